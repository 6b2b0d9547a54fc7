//! Which migrations can share a transaction with others.

use super::super::statements::statements;
use super::super::tokens::{meaningful, mentions};
use super::super::words::Words;

/// What is defined in a database, and stays when the session ends.
const OBJECTS: [&str; 15] = [
    "TABLE",
    "UNLOGGED",
    "INDEX",
    "UNIQUE",
    "VIEW",
    "MATERIALIZED",
    "SEQUENCE",
    "TYPE",
    "DOMAIN",
    "FUNCTION",
    "PROCEDURE",
    "TRIGGER",
    "RULE",
    "POLICY",
    "STATISTICS",
];

/// Whether each statement defines an object or writes rows: nothing that a session remembers (temporary tables, prepared
/// statements, cursors), and nothing that runs other code on purpose.
#[must_use]
pub fn can_share_a_transaction(sql: &str) -> bool {
    statements(sql).iter().all(|statement| {
        let mut words = Words::new(statement.text);
        if words.eat_any(&["COMMENT", "INSERT", "UPDATE", "DELETE", "GRANT", "REVOKE"]) {
            return true;
        }
        if words.eat(&["CREATE"]) {
            words.eat(&["OR", "REPLACE"]);
            return words.eat_any(&OBJECTS);
        }
        words.eat_any(&["ALTER", "DROP"]) && words.eat_any(&OBJECTS)
    })
}

/// What migrations have brought by which a later one in the same transaction could do something else than in its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// Code that may change settings when a later statement runs it, or does more than the statement says.
    pub code: bool,
    /// What has one value for a whole transaction or message, and is written into rows or compared with them.
    clock: bool,
    /// What is looked at when the transaction ends. `SET CONSTRAINTS ALL IMMEDIATE` holds until then, and nothing takes it back
    /// (PostgreSQL documentation, "SET CONSTRAINTS").
    deferred: bool,
}

impl Brought {
    /// With this migration as well.
    #[must_use]
    pub fn with(self, sql: &str) -> Self {
        let sql = sql.to_ascii_lowercase();
        Self {
            code: self.code || CODE.iter().any(|part| sql.contains(part)),
            clock: self.clock
                || CLOCK.iter().any(|word| mentions(&sql, word))
                || TRANSACTION.iter().any(|part| sql.contains(part)),
            deferred: self.deferred || sql.contains("deferr"),
        }
    }

    /// Whether a migration after these, and with what it brings itself, does together with others what it does alone.
    #[must_use]
    pub fn allows(self, sql: &str) -> bool {
        let Self {
            code,
            clock,
            deferred,
        } = self.with(sql);
        if !clock && !deferred {
            return true;
        }
        let uses = statements(sql)
            .iter()
            .map(|statement| rows(statement.text))
            .max()
            .unwrap_or_default();
        match uses {
            Rows::Untouched => true,
            Rows::Added => !deferred && !code,
            Rows::Read => false,
        }
    }
}

/// Parts of words that bring code.
const CODE: [&str; 4] = ["function", "procedure", "set_config", "rule"];

/// Words for a time that stands still.
const CLOCK: [&str; 12] = [
    "now",
    "today",
    "tomorrow",
    "yesterday",
    "age",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "transaction_timestamp",
    "statement_timestamp",
];

/// Parts of words for the transaction itself.
const TRANSACTION: [&str; 4] = ["txid", "xact_id", "xmin", "snapshot"];

/// What a statement has to do with rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Rows {
    /// Nothing.
    #[default]
    Untouched,
    /// It adds some that it names itself.
    Added,
    /// What it does depends on those that are there.
    Read,
}

fn rows(statement: &str) -> Rows {
    let has = |words: &[&str]| {
        meaningful(statement).any(|token| {
            let mut words = words.iter();
            words.any(|word| token.text.eq_ignore_ascii_case(word))
        })
    };
    let mut words = Words::new(statement);
    if words.eat(&["INSERT"]) {
        let is_plain =
            has(&["values", "default"]) && !has(&["select", "table", "with", "conflict"]);
        return if is_plain { Rows::Added } else { Rows::Read };
    }
    let reads = match () {
        () if words.eat_any(&["UPDATE", "DELETE"]) => true,
        () if words.eat(&["CREATE"]) => {
            words.eat_any(&["TABLE", "UNLOGGED", "MATERIALIZED"])
                && has(&["select", "values", "execute", "with"])
        }
        () if words.eat(&["ALTER"]) => has(&["using", "check"]),
        () => false,
    };
    if reads { Rows::Read } else { Rows::Untouched }
}

#[cfg(test)]
mod tests {
    use super::{Brought, can_share_a_transaction};

    #[test]
    fn what_a_transaction_of_its_own_would_do_otherwise_has_one() {
        let brought = |sql: &str| Brought::default().with(sql);
        let clock = brought("CREATE TABLE a (at timestamptz DEFAULT now())");
        for (before, sql, allowed) in [
            (clock, "INSERT INTO a DEFAULT VALUES", true),
            (clock, "INSERT INTO a (i) VALUES (1)", true),
            (
                clock,
                "CREATE TABLE b (id bigint GENERATED ALWAYS AS IDENTITY)",
                true,
            ),
            (clock, "ALTER TABLE a ADD COLUMN b int DEFAULT 1", true),
            (clock, "INSERT INTO b SELECT at FROM a", false),
            (clock, "INSERT INTO b TABLE a", false),
            (clock, "INSERT INTO a (i) VALUES ((SELECT 1))", false),
            (
                clock,
                "INSERT INTO a (i) VALUES (1) ON CONFLICT DO NOTHING",
                false,
            ),
            (clock, "DELETE FROM a", false),
            (
                clock,
                "CREATE MATERIALIZED VIEW m AS SELECT at FROM a",
                false,
            ),
            (
                clock,
                "ALTER TABLE a ALTER at TYPE text USING at::text",
                false,
            ),
            (Brought::default(), "UPDATE a SET b = 1", true),
            (Brought::default(), "UPDATE a SET at = 'now'", false),
            (Brought::default(), "UPDATE a SET b = txid_current()", false),
            (
                clock.with("CREATE FUNCTION f() RETURNS trigger"),
                "INSERT INTO a (i) VALUES (1)",
                false,
            ),
            (
                brought("CREATE TABLE a (b int REFERENCES c DEFERRABLE)"),
                "INSERT INTO a VALUES (1)",
                false,
            ),
            (
                brought("CREATE TABLE a (b int REFERENCES c DEFERRABLE)"),
                "CREATE INDEX ON a (b)",
                true,
            ),
        ] {
            assert_eq!(before.allows(sql), allowed, "{sql}");
        }
    }

    #[test]
    fn what_a_session_remembers_is_not_shared() {
        for sql in [
            "CREATE TABLE a (i int); INSERT INTO a VALUES (1); COMMENT ON TABLE a IS 'x';",
            "create or replace view v as select 1; alter table a add b int; drop index c",
            "/* x */ CREATE UNIQUE INDEX ON a (b); -- y\nGRANT SELECT ON a TO b",
            "",
        ] {
            assert!(can_share_a_transaction(sql), "{sql}");
        }
        for sql in [
            "CREATE TEMP TABLE a (i int)",
            "CREATE LOCAL TEMPORARY TABLE a (i int)",
            "CREATE OR REPLACE TEMP VIEW a AS SELECT 1",
            "SET LOCAL search_path = x",
            "SET CONSTRAINTS ALL DEFERRED",
            "SELECT set_config('a', 'b', true)",
            "DO 'BEGIN END'",
            "CALL p()",
            "PREPARE x AS SELECT 1",
            "CREATE EXTENSION timescaledb",
            "ALTER ROLE a SET b = c",
            "ALTER DATABASE a SET b = c",
            "CREATE TABLE a (i int); LOCK TABLE a",
        ] {
            assert!(!can_share_a_transaction(sql), "{sql}");
        }
    }
}
