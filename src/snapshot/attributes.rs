//! The names of an object's attributes. What has its default is not said: a column without `not_null` may be NULL.

use super::Kind;

/// Table: `unlogged`.
pub const PERSISTENCE: &str = "persistence";
/// Table: `true` if row security is enabled.
pub const ROW_SECURITY: &str = "row_security";
/// Table: `true` if row security holds for the owner too.
pub const FORCE_ROW_SECURITY: &str = "force_row_security";
/// Table: how it is partitioned.
pub const PARTITION_KEY: &str = "partition_key";
/// Table: the partitioned table that it is a partition of.
pub const PARTITION_OF: &str = "partition_of";
/// Table: which rows of it this partition holds.
pub const PARTITION_BOUND: &str = "partition_bound";
/// Table: the tables that it inherits from, partitions apart.
pub const INHERITS: &str = "inherits";
/// Table: an access method other than `heap`.
pub const ACCESS_METHOD: &str = "access_method";
/// Table, index: a tablespace other than the database's.
pub const TABLESPACE: &str = "tablespace";
/// Relation: storage parameters, or a view's options.
pub const OPTIONS: &str = "options";
/// Table: `full`, `nothing` or `index`.
pub const REPLICA_IDENTITY: &str = "replica_identity";
/// Column: a storage other than its type's.
pub const STORAGE: &str = "storage";
/// Column: how its values are compressed, where the column says it.
pub const COLUMN_COMPRESSION: &str = "column_compression";
/// Foreign table: its server.
pub const SERVER: &str = "server";
/// Foreign table: its options, credentials left out.
pub const FOREIGN_OPTIONS: &str = "foreign_options";
/// Column: its type with modifiers. Sequence: its integer type.
pub const TYPE: &str = "type";
/// Column: `true`.
pub const NOT_NULL: &str = "not_null";
/// Column: the expression.
pub const DEFAULT: &str = "default";
/// Column: `always` or `by default`, and what its sequence has other than the server gives: `always (increment 2, start 100)`.
pub const IDENTITY: &str = "identity";
/// Column: the expression and `stored` or `virtual`.
pub const GENERATED: &str = "generated";
/// Column: a collation other than its type's.
pub const COLLATION: &str = "collation";
/// What the server gives as the definition: constraint, index, trigger, rule, policy, statistics, view, function (as written), type.
pub const DEFINITION: &str = "definition";
/// Constraint: `false` if NOT VALID.
pub const VALIDATED: &str = "validated";
/// Index: `false` if it was left half-built.
pub const VALID: &str = "valid";
/// Trigger, rule, event trigger: `disabled`, `replica` or `always`. Constraint: `disabled` if a trigger that holds it is. Subscription: `false`.
pub const ENABLED: &str = "enabled";
/// Function: `procedure`, `aggregate` or `window`.
pub const FORM: &str = "form";
/// Function: its arguments with names and defaults, where they say more than the types.
pub const PARAMETERS: &str = "parameters";
/// Function: what it returns.
pub const RETURNS: &str = "returns";
/// Function: its language.
pub const LANGUAGE: &str = "language";
/// Function: its body where that is not text but parsed SQL (`BEGIN ATOMIC`).
pub const SQL_BODY: &str = "sql_body";
/// Function: the library of a C function.
pub const LIBRARY: &str = "library";
/// Function: `immutable` or `stable`.
pub const VOLATILITY: &str = "volatility";
/// Function: `true` if it is not called with NULLs.
pub const STRICT: &str = "strict";
/// Function: `true` if it runs with its owner's rights.
pub const SECURITY_DEFINER: &str = "security_definer";
/// Function: `safe` or `restricted`.
pub const PARALLEL: &str = "parallel";
/// Function: `true`.
pub const LEAKPROOF: &str = "leakproof";
/// Function: what the planner asks in its place.
pub const SUPPORT: &str = "support";
/// Function: its SET clauses, separated by `; `.
pub const SETTINGS: &str = "settings";
/// View: its columns with their types, as in `id integer, name text`.
pub const ROW_TYPE: &str = "row_type";
/// Function, view: `true` if an extension's script made it and somebody has replaced it since.
pub const REPLACED: &str = "replaced";
/// What somebody has altered of it since initdb or an extension's script made it, as in `SECURITY DEFINER, SET search_path`.
pub const ALTERED: &str = "altered";
/// What hangs on something that initdb made: `true` if somebody has put it there since.
pub const ADDED: &str = "added";
/// Sequence: first value.
pub const START: &str = "start";
/// Sequence: lowest value.
pub const MIN: &str = "min";
/// Sequence: highest value.
pub const MAX: &str = "max";
/// Sequence: step.
pub const INCREMENT: &str = "increment";
/// Sequence: `true`.
pub const CYCLE: &str = "cycle";
/// Sequence: the column that it goes with, `schema.table.column`.
pub const OWNED_BY: &str = "owned_by";
/// Hypertable: the column that it is partitioned by.
pub const TIME_COLUMN: &str = "time_column";
/// Hypertable: that column's type.
pub const TIME_TYPE: &str = "time_type";
/// Hypertable: the length of its future chunks, `6 hours`; a bare number, in the column's own unit, for an integer column.
pub const CHUNK_INTERVAL: &str = "chunk_interval";
/// Hypertable: the columns of its dimensions, if there is more than one; as in `time, author (4 partitions)`.
pub const DIMENSIONS: &str = "dimensions";
/// Hypertable: the function that tells the present time of an integer column.
pub const INTEGER_NOW: &str = "integer_now";
/// Hypertable: `enabled` if its chunks may be compressed (Community edition).
pub const COMPRESSION: &str = "compression";
/// Extension: its schema, if that is not `public`.
pub const IN_SCHEMA: &str = "in_schema";
/// Language: `false` if untrusted.
pub const TRUSTED: &str = "trusted";
/// Collation: `icu`, `libc` or `builtin`.
pub const PROVIDER: &str = "provider";
/// Collation: the provider's locale.
pub const LOCALE: &str = "locale";
/// Collation: `false`.
pub const DETERMINISTIC: &str = "deterministic";
/// Event trigger: the event.
pub const EVENT: &str = "event";
/// Event trigger: the function.
pub const FUNCTION: &str = "function";
/// Event trigger: the command tags.
pub const TAGS: &str = "tags";
/// Wrapper: its handler.
pub const HANDLER: &str = "handler";
/// Foreign server: its wrapper.
pub const WRAPPER: &str = "wrapper";
/// Foreign server, subscription: the host; of a subscription only a superuser sees it.
pub const HOST: &str = "host";
/// Foreign server: the port.
pub const PORT: &str = "port";
/// Foreign server, subscription: the database; of a subscription only a superuser sees it.
pub const DBNAME: &str = "dbname";
/// Foreign server: for whom there is a mapping, as in `local as remote`; the remote name only as far as it may be seen.
pub const USER_MAPPINGS: &str = "user_mappings";
/// Publication: `FOR ALL TABLES`, or the tables and schemas.
pub const PUBLISHES: &str = "publishes";
/// Publication: the operations.
pub const OPERATIONS: &str = "operations";
/// Subscription: the slot on the other side.
pub const SLOT: &str = "slot";
/// Subscription: the publications on the other side.
pub const PUBLICATIONS: &str = "publications";

/// Large objects: how many there are.
pub const COUNT: &str = "count";
/// Large objects: the highest OID.
pub const LAST: &str = "last";

/// The attributes that an object of this kind may have, in the order in which a lock lists them.
#[must_use]
pub const fn of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Schema => &[],
        Kind::Extension => &[IN_SCHEMA],
        Kind::Language => &[TRUSTED],
        Kind::OperatorFamily | Kind::Transform => &[],
        Kind::LargeObject => &[COUNT, LAST],
        Kind::Type
        | Kind::Policy
        | Kind::Statistics
        | Kind::Operator
        | Kind::OperatorClass
        | Kind::Cast
        | Kind::Conversion
        | Kind::TextSearchConfiguration
        | Kind::TextSearchDictionary
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::AccessMethod => &[DEFINITION],
        Kind::Collation => &[PROVIDER, LOCALE, DETERMINISTIC],
        Kind::Sequence => &[
            TYPE,
            START,
            MIN,
            MAX,
            INCREMENT,
            CYCLE,
            OWNED_BY,
            PERSISTENCE,
        ],
        Kind::Table => &[
            PERSISTENCE,
            ACCESS_METHOD,
            PARTITION_OF,
            PARTITION_BOUND,
            PARTITION_KEY,
            INHERITS,
            ROW_SECURITY,
            FORCE_ROW_SECURITY,
            TABLESPACE,
            OPTIONS,
            REPLICA_IDENTITY,
        ],
        Kind::ForeignTable => &[
            SERVER,
            FOREIGN_OPTIONS,
            PARTITION_OF,
            PARTITION_BOUND,
            INHERITS,
            OPTIONS,
        ],
        Kind::View => &[OPTIONS, DEFINITION],
        Kind::MaterializedView => &[ACCESS_METHOD, TABLESPACE, OPTIONS, DEFINITION],
        Kind::Function => &[
            FORM,
            PARAMETERS,
            RETURNS,
            LANGUAGE,
            VOLATILITY,
            STRICT,
            SECURITY_DEFINER,
            PARALLEL,
            LEAKPROOF,
            SUPPORT,
            SETTINGS,
            LIBRARY,
            DEFINITION,
            SQL_BODY,
        ],
        Kind::Column => &[
            TYPE,
            NOT_NULL,
            DEFAULT,
            IDENTITY,
            GENERATED,
            COLLATION,
            STORAGE,
            COLUMN_COMPRESSION,
        ],
        Kind::Constraint => &[DEFINITION, VALIDATED],
        Kind::Index => &[DEFINITION, VALID, TABLESPACE],
        Kind::Trigger | Kind::Rule => &[DEFINITION, ENABLED],
        Kind::Hypertable => &[
            TIME_COLUMN,
            TIME_TYPE,
            CHUNK_INTERVAL,
            DIMENSIONS,
            INTEGER_NOW,
            COMPRESSION,
        ],
        Kind::EventTrigger => &[EVENT, FUNCTION, TAGS, ENABLED],
        Kind::Wrapper => &[HANDLER],
        Kind::Server => &[WRAPPER, HOST, PORT, DBNAME, USER_MAPPINGS],
        Kind::Publication => &[PUBLISHES, OPERATIONS],
        Kind::Subscription => &[ENABLED, SLOT, PUBLICATIONS, HOST, DBNAME],
    }
}

/// Whether the server deparses this attribute from a parsed tree, so that its text may differ from one major version to another.
/// A function's `definition` is kept as it was written.
#[must_use]
pub fn is_deparsed(kind: Kind, name: &str) -> bool {
    match name {
        DEFINITION => kind != Kind::Function,
        DEFAULT | GENERATED | SQL_BODY | PARAMETERS | PARTITION_KEY | PARTITION_BOUND => true,
        _ => false,
    }
}

/// Whether a change of this attribute is only worth knowing: it changes how rows are stored, not what they are.
#[must_use]
pub fn is_cosmetic(kind: Kind, name: &str) -> bool {
    match name {
        OPTIONS => matches!(kind, Kind::Table | Kind::MaterializedView),
        TABLESPACE | ACCESS_METHOD | REPLICA_IDENTITY | STORAGE | COLUMN_COMPRESSION => true,
        _ => false,
    }
}

/// Whether an attribute is neither locked nor compared: it depends on who reads it or on what happened to the object, or follows from
/// another attribute.
#[must_use]
pub fn depends_on_reader(kind: Kind, name: &str) -> bool {
    match kind {
        _ if name == ALTERED => true,
        Kind::Subscription => matches!(name, HOST | DBNAME),
        Kind::Server => name == USER_MAPPINGS,
        Kind::Function => name == REPLACED,
        Kind::View | Kind::MaterializedView => matches!(name, REPLACED | ROW_TYPE),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_takes_a_word_that_a_lock_needs() {
        let words = [
            "kind",
            "schema",
            "parent",
            "name",
            "arguments",
            "columns",
            "constraints",
            "indexes",
            "triggers",
            "rules",
            "policies",
            "hypertable",
        ];
        for kind in Kind::ALL {
            for name in of(kind) {
                assert!(!words.contains(name), "{} of {}", name, kind.as_str());
            }
        }
    }

    #[test]
    fn a_function_body_is_kept_as_written() {
        assert!(!is_deparsed(Kind::Function, DEFINITION));
        assert!(is_deparsed(Kind::View, DEFINITION));
        assert!(!is_deparsed(Kind::Column, TYPE));
        assert!(is_cosmetic(Kind::Table, OPTIONS));
        assert!(
            !is_cosmetic(Kind::View, OPTIONS),
            "security_barrier is one of them"
        );
    }
}
