//! What is known without any lock: other tools' tables, file engines' tables, what reaches out of a database.

use super::classify::Class;
use crate::snapshot::attributes::TRUSTED;
use crate::snapshot::{Kind, Object};

/// History tables of other migration tools, and whose they are.
const TOOL_HISTORIES: [(&str, &str); 13] = [
    ("_sqlx_migrations", "sqlx"),
    ("flyway_schema_history", "Flyway"),
    ("alembic_version", "Alembic"),
    ("schema_migrations", "dbmate, golang-migrate or Rails"),
    ("seaql_migrations", "SeaORM, the migrator of rgb-lib"),
    ("__diesel_schema_migrations", "Diesel"),
    ("databasechangelog", "Liquibase"),
    ("databasechangeloglock", "Liquibase"),
    ("django_migrations", "Django"),
    ("_prisma_migrations", "Prisma"),
    ("goose_db_version", "goose"),
    ("knex_migrations", "Knex"),
    ("pgmigrations", "node-pg-migrate"),
];

/// Tables that only rgb-lib's SQLite file has.
pub(super) const RGB_LIB: [&str; 11] = [
    "txo",
    "batch_transfer",
    "asset_transfer",
    "coloring",
    "transport_endpoint",
    "transfer_transport_endpoint",
    "token_media",
    "wallet_transaction",
    "pending_witness_script",
    "backup_info",
    "reserved_txo",
];

/// Tables of the same file whose names others use as well: they count only beside one of the above.
const RGB_LIB_COMMON: [&str; 4] = ["media", "asset", "transfer", "token"];

/// What Kasia's indexer keeps in its file store.
const KASIA: [&str; 9] = [
    "handshakes",
    "handshake_by_sender",
    "handshake_by_receiver",
    "contextual_messages",
    "contextual_message_by_sender",
    "payment_by_sender",
    "payment_by_receiver",
    "self_stashes",
    "self_stash_by_owner",
];

/// Extensions that open a way out of the database.
const LINK_EXTENSIONS: [&str; 4] = ["dblink", "postgres_fdw", "file_fdw", "mysql_fdw"];

/// Extensions whose language can do all that the server's operating-system user can.
const UNTRUSTED_LANGUAGES: [&str; 8] = [
    "plperlu",
    "plpythonu",
    "plpython2u",
    "plpython3u",
    "pltclu",
    "plsh",
    "plr",
    "plrustu",
];

/// Tables that are known by name although no lock has them.
pub(super) fn table<'a>(name: &str, rgb_lib: bool) -> Option<Class<'a>> {
    if RGB_LIB.contains(&name) || (rgb_lib && RGB_LIB_COMMON.contains(&name)) {
        return Some(Class::FileEngine("rgb-lib"));
    }
    if KASIA.contains(&name) {
        return Some(Class::FileEngine("kasia-indexer"));
    }
    TOOL_HISTORIES
        .iter()
        .find(|(table, _)| *table == name)
        .map(|(_, tool)| Class::ToolHistory(tool))
}

/// Whether an object is a link out of the database.
pub(super) fn is_link(object: &Object) -> bool {
    let name = object.key.name.as_str();
    match object.key.kind {
        Kind::Extension => is_link_extension(name),
        Kind::Wrapper
        | Kind::Server
        | Kind::ForeignTable
        | Kind::Publication
        | Kind::Subscription => true,
        Kind::Language => object
            .attributes
            .get(TRUSTED)
            .is_some_and(|trusted| trusted == "false"),
        _ => false,
    }
}

/// Whether an extension opens a way out of the database.
pub(super) fn is_link_extension(name: &str) -> bool {
    LINK_EXTENSIONS.contains(&name) || name.ends_with("_fdw") || UNTRUSTED_LANGUAGES.contains(&name)
}

/// Whether an extension brings a language that can do anything.
pub(super) fn is_untrusted_language(name: &str) -> bool {
    UNTRUSTED_LANGUAGES.contains(&name)
}

/// Whether a schema is the server's or TimescaleDB's own, where nobody looks for tables.
pub(super) fn is_system_schema(schema: &str) -> bool {
    schema.starts_with("pg_")
        || schema == "information_schema"
        || schema.starts_with("_timescaledb_")
        || schema.starts_with("timescaledb_")
}
