//! Indexes, and what acts on rows: triggers, rules, policies.

use super::{BY_HAND, Sql, Wanted, again, create, names, options, table_of};
use crate::rules::text::sql_ident;
use crate::snapshot::attributes::{DEFINITION, ENABLED, PARTITION_KEY, TABLESPACE, VALID};
use crate::snapshot::{Change, Kind, ObjectKey};

/// The name of an index stands in its table's schema.
fn index_name(key: &ObjectKey) -> String {
    format!("{}.{}", sql_ident(&key.schema), sql_ident(&key.name))
}

pub(super) fn index(wanted: &Wanted<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    let name = index_name(key);
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
                    _ => return anew(wanted, key, &name),
                }
            }
            VALID if change.expected.is_empty() => {
                // Of a partitioned table it becomes valid with the last of its partitions' indexes.
                if is_partitioned(wanted, key)? {
                    return anew(wanted, key, &name);
                }
                sql.push(format!("REINDEX INDEX {name};"));
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
