//! What is known without any lock: other tools' tables, file engines' tables, what reaches out of a database.

use super::classify::Class;
use crate::snapshot::attributes::TRUSTED;
use crate::snapshot::{Kind, Object};

/// History tables of other migration tools, and whose they are.
const TOOL_HISTORIES: [(&str, &str); 17] = [
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
    ("__EFMigrationsHistory", "Entity Framework Core"),
    ("atlas_schema_revisions", "Atlas"),
    ("ar_internal_metadata", "Rails"),
    ("knex_migrations_lock", "Knex"),
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

/// Extensions that open a way out of the database: to other databases, hosts, files or programs, or to sessions of their own that can
/// be in another database. Foreign data wrappers that are called so (`…_fdw`) are known by their name's end. Each project's own
/// documentation says what it does.
const LINK_EXTENSIONS: [&str; 32] = [
    "adminpack",
    "ai",
    "amqp",
    "aws_lambda",
    "aws_s3",
    "azure_ai",
    "azure_storage",
    "bdr",
    "citus",
    "dblink",
    "dblink_plus",
    "duckdb",
    "google_ml_integration",
    "http",
    "multicorn",
    "multicorn2",
    "pg_background",
    "pg_bulkload",
    "pg_cron",
    "pg_curl",
    "pg_duckdb",
    "pg_http",
    "pg_net",
    "pg_parquet",
    "pg_task",
    "pgagent",
    "pglogical",
    "pgpool_recovery",
    "plproxy",
    "spock",
    "vectorize",
    "wrappers",
];

/// Extensions whose language can do all that the server's operating-system user can.
const UNTRUSTED_LANGUAGES: [&str; 10] = [
    "plperlu",
    "plpythonu",
    "plpython2u",
    "plpython3u",
    "pltclu",
    "plsh",
    "plr",
    "plrustu",
    "pljava",
    "plluau",
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
        // Where it is made without quotes, the server folds its name.
        .find(|(table, _)| table.eq_ignore_ascii_case(name))
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
    // `jsonb_plperlu` brings a type into a language, and with CASCADE the language itself.
    let with_language = name
        .rsplit_once('_')
        .is_some_and(|(_, language)| UNTRUSTED_LANGUAGES.contains(&language));
    LINK_EXTENSIONS.contains(&name)
        || name.ends_with("_fdw")
        || with_language
        || UNTRUSTED_LANGUAGES.contains(&name)
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

#[cfg(test)]
mod tests {
    use super::{Class, is_link_extension, table};
    use crate::migration::other_tools::TOOLS;
    use crate::snapshot::HISTORY_TABLE;

    #[test]
    fn every_tool_whose_history_can_be_adopted_is_known() {
        for tool in TOOLS.iter().filter(|tool| tool.table != HISTORY_TABLE.1) {
            let known = table(tool.table, false);
            assert!(matches!(known, Some(Class::ToolHistory(_))), "{tool:?}");
        }
    }

    #[test]
    fn a_history_is_known_however_its_name_is_folded() {
        for name in [
            "__EFMigrationsHistory",
            "__efmigrationshistory",
            "DATABASECHANGELOG",
            "seaql_migrations",
        ] {
            let known = table(name, false);
            assert!(matches!(known, Some(Class::ToolHistory(_))), "{name}");
        }
        assert!(table("k_migrations", false).is_none());
    }

    #[test]
    fn extensions_that_lead_out_are_known() {
        for name in [
            "pg_cron",
            "pg_net",
            "http",
            "aws_s3",
            "aws_lambda",
            "pglogical",
            "pg_background",
            "multicorn",
            "plproxy",
            "dblink",
            "oracle_fdw",
            "tds_fdw",
            "odbc_fdw",
            "plpython3u",
            "hstore_plpython3u",
            "pg_parquet",
        ] {
            assert!(is_link_extension(name), "{name}");
        }
        for name in [
            "timescaledb",
            "pgcrypto",
            "pg_trgm",
            "uuid-ossp",
            "plpgsql",
            "jsonb_plperl",
        ] {
            assert!(!is_link_extension(name), "{name}");
        }
    }
}
