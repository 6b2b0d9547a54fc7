//! What makes a missing object again. What holds rows, or a sequence's next number, is not made anew: it would be empty.

use super::{
    BY_HAND, Sql, Wanted, constraint, definition, enabled_event, harmless, options, part, quoted,
    routine, table_of, together,
};
use crate::rules::Case;
use crate::rules::text::{sql_ident, sql_name};
use crate::snapshot::attributes::{
    ACCESS_METHOD, DEFAULT, DEFINITION, ENABLED, EVENT, FUNCTION, IN_SCHEMA, OPTIONS,
    SECURITY_DEFINER, TABLESPACE, TAGS, VALID,
};
use crate::snapshot::{Kind, ObjectKey};

const EMPTY: &str = "made again it would be empty: restore what it held from a backup";
const FIRST_AGAIN: &str =
    "made again it would begin anew: set it past the highest value in use (setval)";

/// The statements that make an object of the lock again.
pub(in super::super) fn create(case: &Case<'_>, key: &ObjectKey) -> Sql {
    let wanted = Wanted::new(case).ok_or(BY_HAND)?;
    let mut sql = statements(&wanted, key)?;
    if key.kind == Kind::Index && part::is_built_beside(case, &wanted, key) {
        sql = sql.iter().map(|text| part::beside(text)).collect();
    }
    if closed(&wanted, key)?.is_some() {
        sql = together(sql);
    }
    harmless(Ok(sql))
}

pub(super) fn statements(wanted: &Wanted<'_>, key: &ObjectKey) -> Sql {
    let text = |name: &str| wanted.text(key, name);
    let name = sql_name(key);
    let mut sql = match key.kind {
        Kind::Schema => vec![format!("CREATE SCHEMA {name};")],
        // Hypertables go with their extension.
        Kind::Extension if key.name != "timescaledb" => {
            let schema = match text(IN_SCHEMA)? {
                "" => "public",
                schema => schema,
            };
            vec![format!(
                "CREATE EXTENSION {name} SCHEMA {};",
                sql_ident(schema)
            )]
        }
        Kind::View => view(wanted, key)?,
        Kind::MaterializedView => materialized(wanted, key)?,
        Kind::Function => routine::create(wanted, key, false)?,
        Kind::Column => vec![default_of_view(wanted, key)?],
        Kind::Constraint => {
            vec![format!(
                "ALTER TABLE {} ADD {};",
                table_of(key),
                constraint::written(wanted, key)?
            )]
        }
        Kind::Index => index(wanted, key)?,
        Kind::Trigger | Kind::Rule => {
            let mut sql = vec![format!("{};", written(wanted, key)?)];
            if !text(ENABLED)?.is_empty() {
                sql.push(part::enabled(wanted, key)?);
            }
            sql
        }
        Kind::Policy => vec![format!(
            "CREATE POLICY {} ON {} AS {};",
            sql_ident(&key.name),
            table_of(key),
            written(wanted, key)?
        )],
        Kind::Statistics => vec![format!("{};", written(wanted, key)?)],
        Kind::Type => vec![of_type(&name, &written(wanted, key)?)?],
        Kind::Cast => vec![format!("CREATE CAST {name} {};", written(wanted, key)?)],
        Kind::EventTrigger => event_trigger(wanted, key)?,
        Kind::Table | Kind::ForeignTable => return Err(EMPTY),
        Kind::Sequence => return Err(FIRST_AGAIN),
        _ => return Err(BY_HAND),
    };
    sql.extend(owner(wanted, key));
    sql.extend(closed(wanted, key)?);
    Ok(sql)
}

/// A new function is everybody's to call. One that runs with its owner's rights is closed before anybody does.
pub(super) fn closed(wanted: &Wanted<'_>, key: &ObjectKey) -> Result<Option<String>, &'static str> {
    let definer = key.kind == Kind::Function && !wanted.text(key, SECURITY_DEFINER)?.is_empty();
    Ok(definer.then(|| format!("REVOKE EXECUTE ON ROUTINE {} FROM PUBLIC;", sql_name(key))))
}

/// What the lock has as the definition, never nothing.
fn written(wanted: &Wanted<'_>, key: &ObjectKey) -> Result<String, &'static str> {
    match wanted.text(key, DEFINITION)? {
        "" => Err(BY_HAND),
        text => Ok(definition(text)),
    }
}

/// Whoever runs the statement, what it makes belongs to the service's role, as what its migrations make.
pub(super) fn owner(wanted: &Wanted<'_>, key: &ObjectKey) -> Option<String> {
    let word = match key.kind {
        Kind::Function => "ROUTINE".to_owned(),
        Kind::Schema | Kind::View | Kind::MaterializedView | Kind::Statistics | Kind::Type => {
            key.kind.words().to_uppercase()
        }
        _ => return None,
    };
    let role = wanted.owner?;
    Some(format!(
        "ALTER {word} {} OWNER TO {};",
        sql_name(key),
        sql_ident(role)
    ))
}

/// `CREATE OR REPLACE VIEW`, which keeps the view's privileges and what depends on it, and takes its options as they are written.
pub(super) fn replaced_view(wanted: &Wanted<'_>, key: &ObjectKey) -> Sql {
    Ok(vec![format!(
        "CREATE OR REPLACE {};",
        view_as(wanted, key)?
    )])
}

fn view_as(wanted: &Wanted<'_>, key: &ObjectKey) -> Result<String, &'static str> {
    Ok(format!(
        "VIEW {}{} AS {}",
        sql_name(key),
        options::with(wanted.text(key, OPTIONS)?)?,
        written(wanted, key)?
    ))
}

/// A view with what hangs on it, which is not told where the whole is missing.
fn view(wanted: &Wanted<'_>, key: &ObjectKey) -> Sql {
    let mut sql = vec![format!("CREATE {};", view_as(wanted, key)?)];
    for part in wanted.parts(key) {
        sql.extend(statements(wanted, part)?);
    }
    Ok(sql)
}

fn materialized(wanted: &Wanted<'_>, key: &ObjectKey) -> Sql {
    let method = match wanted.text(key, ACCESS_METHOD)? {
        "" => String::new(),
        method => format!(" USING {}", sql_ident(method)),
    };
    let tablespace = match wanted.text(key, TABLESPACE)? {
        "" => String::new(),
        tablespace => format!(" TABLESPACE {}", sql_ident(tablespace)),
    };
    let mut sql = vec![format!(
        "CREATE MATERIALIZED VIEW {}{method}{}{tablespace} AS {};",
        sql_name(key),
        options::with(wanted.text(key, OPTIONS)?)?,
        written(wanted, key)?
    )];
    for part in wanted.parts(key) {
        if part.kind != Kind::Column {
            sql.extend(statements(wanted, part)?);
        }
    }
    Ok(sql)
}

/// The default that a view's column has of its own. Other columns hold values.
fn default_of_view(wanted: &Wanted<'_>, key: &ObjectKey) -> Result<String, &'static str> {
    match (wanted.whole(key), wanted.text(key, DEFAULT)?) {
        (Some(Kind::View), default) if !default.is_empty() => Ok(format!(
            "ALTER VIEW {} ALTER COLUMN {} SET DEFAULT {};",
            table_of(key),
            sql_ident(&key.name),
            definition(default)
        )),
        _ => Err(EMPTY),
    }
}

fn index(wanted: &Wanted<'_>, key: &ObjectKey) -> Sql {
    let mut text = written(wanted, key)?;
    // Of a partitioned table the server shows it without those of its partitions, which it makes as well.
    if wanted.text(key, VALID)?.is_empty() {
        text = text.replacen(
            &format!(" {} ON ONLY ", sql_ident(&key.name)),
            &format!(" {} ON ", sql_ident(&key.name)),
            1,
        );
    }
    let mut sql = vec![format!("{text};")];
    let tablespace = wanted.text(key, TABLESPACE)?;
    if !tablespace.is_empty() {
        sql.push(format!(
            "ALTER INDEX {}.{} SET TABLESPACE {};",
            sql_ident(&key.schema),
            sql_ident(&key.name),
            sql_ident(tablespace)
        ));
    }
    Ok(sql)
}

/// `CREATE TYPE`, or `CREATE DOMAIN`. Of ranges and base types the lock does not know all.
fn of_type(name: &str, text: &str) -> Result<String, &'static str> {
    if let Some(domain) = text.strip_prefix("DOMAIN ") {
        return Ok(format!("CREATE DOMAIN {name} {domain};"));
    }
    if let Some(columns) = text.strip_prefix("COMPOSITE ") {
        return Ok(format!("CREATE TYPE {name} AS {columns};"));
    }
    match text.starts_with("ENUM (") {
        true => Ok(format!("CREATE TYPE {name} AS {text};")),
        false => Err(BY_HAND),
    }
}

fn event_trigger(wanted: &Wanted<'_>, key: &ObjectKey) -> Sql {
    let text = |name: &str| wanted.text(key, name);
    let tags: Vec<String> = text(TAGS)?
        .split(", ")
        .filter(|tag| !tag.is_empty())
        .map(quoted)
        .collect();
    let when = match tags.is_empty() {
        true => String::new(),
        false => format!(" WHEN TAG IN ({})", tags.join(", ")),
    };
    let mut sql = vec![format!(
        "CREATE EVENT TRIGGER {} ON {}{when} EXECUTE FUNCTION {};",
        sql_ident(&key.name),
        text(EVENT)?,
        text(FUNCTION)?
    )];
    let enabled = text(ENABLED)?;
    if !enabled.is_empty() {
        sql.push(enabled_event(key, enabled));
    }
    Ok(sql)
}
