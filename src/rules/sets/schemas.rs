//! Schemas and databases that are not the service's: the server's, dbctl's, another service's.

use super::elsewhere::{about_database, link};
use super::judge::{Context, Draft};
use super::objects::{FOREIGN_SCHEMA, HISTORY, SYSTEM_SCHEMA, about, foreign, of, with_holder};
use super::owners::Family;
use crate::migration::effects::{Access, CURRENT_DATABASE, Path};
use crate::rules::{About, Severity, known};
use crate::snapshot::HISTORY_TABLE;

/// What dbctl keeps in every database.
const OWN_SCHEMA: &str = "dbctl";
/// Where the server keeps the passwords of all roles (PostgreSQL documentation, "pg_authid", "pg_shadow").
const SECRETS: [&str; 2] = ["pg_authid", "pg_shadow"];
/// Where pg_cron keeps its jobs.
const CRON_SCHEMA: &str = "cron";

/// The server's schemas, TimescaleDB's, dbctl's and the history: who may read them may still not change them. `Some(None)`: they are
/// only read, and there is nothing more to ask.
pub(super) fn kept_by_others(
    context: &Context<'_, '_>,
    family: Family,
    access: Access,
    path: &Path,
) -> Option<Option<Draft>> {
    let reads = access == Access::Read;
    let schema = path.schema.as_deref();
    let history = path.name == HISTORY_TABLE.1 || schema == Some(OWN_SCHEMA);
    if history {
        return Some((!reads).then(|| {
            Draft::new(
                &HISTORY,
                about("table", path),
                format!("changes {path}, where dbctl keeps what was applied"),
            )
            .expected("a history that only dbctl writes")
            .remedy("Remove it. `dbctl repair --service S` mends a history, `dbctl baseline --service S` begins one.")
        }));
    }
    // pg_cron runs what stands there, in whatever database the row names.
    if schema == Some(CRON_SCHEMA) && !context.own.has(family, &path.name) {
        return Some((!reads).then(|| link("job", &path.to_string())).flatten());
    }
    if family == Family::Relation
        && reads
        && SECRETS.contains(&path.name.as_str())
        && schema.is_none_or(|schema| schema == "pg_catalog")
    {
        return Some(Some(secrets(path)));
    }
    let system = match schema {
        Some(schema) => known::is_system_schema(schema),
        None => {
            family == Family::Relation
                && path.name.starts_with("pg_")
                && !context.own.has(family, &path.name)
                && !reads
        }
    };
    system.then(|| (!reads).then(|| system_draft(about("table", path), path)))
}

fn system_draft(about: About, path: &Path) -> Draft {
    Draft::new(
        &SYSTEM_SCHEMA,
        about,
        format!("changes {path}, which belongs to the server or to an extension"),
    )
    .expected("objects in the service's own schemas")
    .remedy("Remove it, or put the object into a schema of the service's own.")
}

fn secrets(path: &Path) -> Draft {
    Draft::new(
        &SYSTEM_SCHEMA,
        about("table", path),
        format!("reads {path}, where the server keeps the passwords of every service's role"),
    )
    .expected("reads of what every role may read")
    .remedy("Remove it; pg_roles tells of roles without their passwords.")
}

/// A schema that is dropped or renamed with the history in it.
pub(super) fn history_leaves(schema: &str) -> Option<Draft> {
    let (holds, table) = HISTORY_TABLE;
    (schema == holds).then(|| {
        Draft::new(
            &HISTORY,
            About::plain("schema", schema),
            format!("takes {table} away with schema {schema}: dbctl could record nothing, and would not know what was applied"),
        )
        .expected("a schema and a history that stay where they are")
        .remedy("Remove it; drop or rename the objects one by one.")
    })
}

/// A three-part name.
pub(super) fn other_database(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    let database = path.database.as_deref()?;
    if database == context.own.database() || database == CURRENT_DATABASE {
        return None;
    }
    let holder = context.owners.database_of(context.index, database);
    let draft = Draft::new(
        &FOREIGN_SCHEMA,
        About::plain("database", database),
        format!(
            "names {path}, which is in database {database}{}",
            of(holder)
        ),
    )
    .expected(format!("names in database {}", context.own.database()))
    .remedy("Remove the database from the name; no statement reaches another database.");
    Some(with_holder(draft, holder))
}

pub(super) fn database(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    if [context.own.database(), CURRENT_DATABASE].contains(&path.name.as_str()) {
        return None;
    }
    Some(
        match context.owners.database_of(context.index, &path.name) {
            Some(holder) => foreign(context, Access::Change, "database", path, holder),
            // A name of nobody's may be what the service's own is called elsewhere.
            None => about_database(context, &path.name, None).severity(Severity::Warning),
        },
    )
}

pub(super) fn schema(context: &Context<'_, '_>, access: Access, path: &Path) -> Option<Draft> {
    let name = path.name.as_str();
    if name == OWN_SCHEMA && access != Access::Read {
        let path = Path {
            schema: Some(name.to_owned()),
            ..path.clone()
        };
        return kept_by_others(context, Family::Relation, access, &path).flatten();
    }
    if known::is_system_schema(name) {
        return (access != Access::Read && !name.starts_with("pg_temp"))
            .then(|| system_draft(About::plain("schema", name), path));
    }
    let verb = if access == Access::Create {
        "creates"
    } else {
        "names"
    };
    foreign_schema(context, name, verb)
}

/// A name of the service's own, or of nobody, in another service's schema.
pub(super) fn in_schema(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    foreign_schema(context, path.schema.as_deref()?, "names")
}

pub(super) fn foreign_schema(context: &Context<'_, '_>, schema: &str, verb: &str) -> Option<Draft> {
    let holder = context.owners.schema_of(context.index, schema)?;
    Some(
        Draft::new(
            &FOREIGN_SCHEMA,
            About::plain("schema", schema),
            format!("{verb} schema {schema}, which is {}'s", holder.name()),
        )
        .belongs_to(holder.name())
        .expected(format!("no schema of {}", holder.name()))
        .remedy("Use schema public, or one that is named after the service itself."),
    )
}
