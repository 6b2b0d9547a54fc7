//! Indexes, and what acts on rows: triggers, rules, policies.

use super::{BY_HAND, Sql, Wanted, again, create, names, options, table_of, together};
use crate::rules::Case;
use crate::rules::text::sql_ident;
use crate::snapshot::attributes::{DEFINITION, ENABLED, PARTITION_KEY, TABLESPACE, VALID};
use crate::snapshot::{Change, Kind, ObjectKey};

/// The name of an index stands in its table's schema.
fn index_name(key: &ObjectKey) -> String {
    format!("{}.{}", sql_ident(&key.schema), sql_ident(&key.name))
}

pub(super) fn index(
    case: &Case<'_>,
    wanted: &Wanted<'_>,
    key: &ObjectKey,
    changes: &[&Change],
) -> Sql {
    let name = index_name(key);
    let is_beside = is_built_beside(case, wanted, key);
    let alter = format!("ALTER INDEX {name}");
    let mut sql = Vec::new();
    for change in changes {
        match change.attribute.as_str() {
            DEFINITION => {
                let text = wanted.text(key, DEFINITION)?;
                match (stored(text), stored(&change.actual)) {
                    ((same, expected), (found, actual)) if same == found => {
                        sql.extend(options::alter(&alter, &expected, &actual)?);
                    }
                    _ if is_beside => return swapped(wanted, key, &name),
                    _ => return anew(wanted, key, &name),
                }
            }
            VALID if change.expected.is_empty() => {
                // Of a partitioned table it becomes valid with the last of its partitions' indexes.
                if is_partitioned(wanted, key)? {
                    return anew(wanted, key, &name);
                }
                let how = if is_beside { "CONCURRENTLY " } else { "" };
                sql.push(format!("REINDEX INDEX {how}{name};"));
            }
            TABLESPACE if !change.expected.is_empty() => {
                sql.push(format!(
                    "{alter} SET TABLESPACE {};",
                    sql_ident(&change.expected)
                ));
            }
            _ => return Err(BY_HAND),
        }
    }
    Ok(sql)
}

fn anew(wanted: &Wanted<'_>, key: &ObjectKey, name: &str) -> Sql {
    Ok(again(
        format!("DROP INDEX {name};"),
        create::statements(wanted, key)?,
    ))
}

/// Whether an index can be built while its table is written to (PostgreSQL documentation, "CREATE INDEX": not that of a partitioned table;
/// TimescaleDB refuses it for hypertables).
pub(super) fn is_built_beside(case: &Case<'_>, wanted: &Wanted<'_>, key: &ObjectKey) -> bool {
    let is_hypertable = |other: &ObjectKey| {
        other.kind == Kind::Hypertable
            && (&other.schema, &other.parent) == (&key.schema, &key.parent)
    };
    let found = case.snapshot().map(|snapshot| &snapshot.objects);
    wanted.whole(key) == Some(Kind::Table)
        && is_partitioned(wanted, key) == Ok(false)
        && !wanted.lock.objects.keys().any(is_hypertable)
        && !found.is_ok_and(|objects| objects.iter().any(|object| is_hypertable(&object.key)))
}

/// The statement that makes an index, for a table that is in use.
pub(super) fn beside(text: &str) -> String {
    match text.starts_with("CREATE ") {
        true => text.replacen("INDEX ", "INDEX CONCURRENTLY ", 1),
        false => text.to_owned(),
    }
}

/// Another index takes the place of the one that is there, which serves until then.
fn swapped(wanted: &Wanted<'_>, key: &ObjectKey, name: &str) -> Sql {
    /// PostgreSQL documentation, "Identifiers and Key Words", less what is added.
    const LONGEST: usize = 63 - "_new".len();
    let end = (0..=LONGEST)
        .rev()
        .find(|end| key.name.is_char_boundary(*end));
    let start = key.name.get(..end.unwrap_or_default());
    let made = ObjectKey {
        name: format!("{}_new", start.unwrap_or(&key.name)),
        ..key.clone()
    };
    let (old, new) = (sql_ident(&key.name), sql_ident(&made.name));
    let mut sql: Vec<String> = create::statements(wanted, key)?
        .iter()
        .map(|text| beside(text).replacen(&format!(" {old} ON "), &format!(" {new} ON "), 1))
        .map(|text| {
            text.replacen(
                &format!("ALTER INDEX {name} "),
                &format!("ALTER INDEX {} ", index_name(&made)),
                1,
            )
        })
        .collect();
    sql.extend(together(vec![
        format!("DROP INDEX {name};"),
        format!("ALTER INDEX {} RENAME TO {old};", index_name(&made)),
    ]));
    Ok(sql)
}

fn is_partitioned(wanted: &Wanted<'_>, key: &ObjectKey) -> Result<bool, &'static str> {
    let mut tables = wanted
        .lock
        .objects
        .keys()
        .filter(|other| other.kind == Kind::Table);
    match tables.find(|other| (&other.schema, &other.name) == (&key.schema, &key.parent)) {
        Some(table) => Ok(!wanted.text(table, PARTITION_KEY)?.is_empty()),
        None => Ok(false),
    }
}

/// An index's definition without its storage parameters, and these as `fillfactor=70`.
pub(in super::super) fn stored(text: &str) -> (String, String) {
    let Some((before, rest)) = text.split_once(") WITH (") else {
        return (text.to_owned(), String::new());
    };
    let (options, after) = rest.split_once(')').unwrap_or((rest, ""));
    (format!("{before}){after}"), options.replace('\'', ""))
}

/// Triggers, rules and policies.
pub(super) fn undo(wanted: &Wanted<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    if names(changes) == [ENABLED] {
        // What the catalog alone says of the whole table is not undone by a statement.
        let whole = changes
            .iter()
            .any(|change| change.actual.contains("of its table"));
        return match whole {
            true => Err(BY_HAND),
            false => Ok(vec![enabled(wanted, key)?]),
        };
    }
    let drop = format!(
        "DROP {} {} ON {};",
        key.kind.words().to_uppercase(),
        sql_ident(&key.name),
        table_of(key)
    );
    Ok(again(drop, create::statements(wanted, key)?))
}

/// The statement that switches a trigger or a rule as the lock has it.
pub(super) fn enabled(wanted: &Wanted<'_>, key: &ObjectKey) -> Result<String, &'static str> {
    let word = match key.kind {
        Kind::Rule => "RULE",
        _ => "TRIGGER",
    };
    let how = match wanted.text(key, ENABLED)? {
        "" => format!("ENABLE {word}"),
        "disabled" => format!("DISABLE {word}"),
        "replica" => format!("ENABLE REPLICA {word}"),
        "always" => format!("ENABLE ALWAYS {word}"),
        _ => return Err(BY_HAND),
    };
    Ok(format!(
        "ALTER TABLE {} {how} {};",
        table_of(key),
        sql_ident(&key.name)
    ))
}
