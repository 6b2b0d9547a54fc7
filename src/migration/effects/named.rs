//! The objects that a node of the parser's tree names.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::calls::is_servers;
use super::walk::Reader;
use super::{Access, Act, Class, names, temporary};

/// Takes down the name that a node is.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let Some((class, creates)) = names::class(node.kind()) else {
        return;
    };
    let parent = node.parent().map(|parent| parent.kind());
    let elsewhere = matches!(
        (class, parent),
        // Told by `calls`.
        (Class::Function, Some(K::CALL))
        // A schema of another server.
        | (Class::Schema, Some(K::IMPORT_FOREIGN_SCHEMA))
            // Told by `link` as databases.
            | (
                Class::Database,
                Some(K::ALTER_DATABASE | K::DROP_DATABASE | K::CREATE_DATABASE)
            )
    );
    // INTO in a block of code fills a variable.
    let variable = parent == Some(K::INTO_CLAUSE) && reader.in_block;
    if elsewhere || variable {
        return;
    }
    let Some(mut path) = names::path(node) else {
        return;
    };
    // What the server has under this name comes first.
    if class == Class::Function && !creates && path.schema.is_none() && is_servers(&path.name) {
        path.schema = Some("pg_catalog".to_owned());
    }
    let access = match node.kind() {
        _ if creates => Access::Create,
        // An extension may put its own objects into a schema of the server's.
        K::SCHEMA_REF if parent == Some(K::EXTENSION_SCHEMA) => Access::Read,
        K::PATH_TYPE | K::PERCENT_TYPE | K::PLPGSQL_PERCENT_ROWTYPE => Access::Read,
        _ => names::access(node),
    };
    if class == Class::Type && path.schema.is_none() && is_built_in_type(&path.name) {
        return;
    }
    if access == Access::Read && path.schema.is_none() && names::is_common_table(node, &path.name) {
        return;
    }
    reader.say(
        at,
        Act::Names {
            class,
            access,
            temporary: if creates {
                temporary::is_temporary(node)
                    || path.is_temporary()
                    || reader.temporaries.share(node)
            } else {
                temporary::is_own_key(node, &path)
            },
            path,
        },
    );
}

/// Types of the server that a table of somebody's could be called like: the server's come first
/// (PostgreSQL documentation, "Data Types", and "Object Identifier Types").
fn is_built_in_type(name: &str) -> bool {
    const TYPES: [&str; 72] = [
        "aclitem",
        "any",
        "anyarray",
        "anyelement",
        "bigint",
        "bigserial",
        "bit",
        "bool",
        "boolean",
        "box",
        "bpchar",
        "bytea",
        "char",
        "character",
        "cid",
        "cidr",
        "circle",
        "cstring",
        "date",
        "daterange",
        "decimal",
        "double",
        "event_trigger",
        "float",
        "float4",
        "float8",
        "inet",
        "int",
        "int2",
        "int4",
        "int4range",
        "int8",
        "int8range",
        "integer",
        "internal",
        "interval",
        "json",
        "jsonb",
        "jsonpath",
        "line",
        "lseg",
        "macaddr",
        "macaddr8",
        "money",
        "name",
        "numeric",
        "numrange",
        "oid",
        "path",
        "pg_lsn",
        "point",
        "polygon",
        "real",
        "record",
        "serial",
        "smallint",
        "smallserial",
        "text",
        "tid",
        "time",
        "timestamp",
        "timestamptz",
        "timetz",
        "trigger",
        "tsquery",
        "tsvector",
        "uuid",
        "varbit",
        "varchar",
        "void",
        "xid",
        "xml",
    ];
    TYPES.binary_search(&name).is_ok() || name.starts_with("reg")
}
