//! Tables, views and sequences: what can be set without touching a row.

use super::{BY_HAND, Sql, Wanted, create, definition, options};
use crate::rules::text::{sql_ident, sql_name};
use crate::snapshot::attributes::{
    ACCESS_METHOD, CYCLE, DEFINITION, FORCE_ROW_SECURITY, INCREMENT, INHERITS, MAX, MIN, OPTIONS,
    OWNED_BY, PARTITION_BOUND, PARTITION_OF, PERSISTENCE, REPLICA_IDENTITY, ROW_SECURITY, START,
    TABLESPACE, TYPE,
};
use crate::snapshot::{Change, Kind, ObjectKey};

const OTHER_ROWS: &str = "its rows are those of the other query: if nothing else has them, copy them first; then drop it and create it again, with its indexes";
const NOT_LOGGED: &str = "an unlogged table loses its rows in a crash: be sure that this is wanted";

pub(super) fn undo(wanted: &Wanted<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    let alter = format!(
        "ALTER {} {}",
        key.kind.words().to_uppercase(),
        sql_name(key)
    );
    let changed = |name: &str| changes.iter().any(|change| change.attribute == name);
    // The new definition brings the options along.
    if key.kind == Kind::View && changed(DEFINITION) {
        return create::replaced_view(wanted, key);
    }
    let mut sql = Vec::new();
    let mut sequence = Vec::new();
    for change in changes {
        let (expected, actual) = (change.expected.as_str(), change.actual.as_str());
        let action = match change.attribute.as_str() {
            OPTIONS => {
                sql.extend(options::alter(&alter, expected, actual)?);
                continue;
            }
            PERSISTENCE if expected.is_empty() => "SET LOGGED".to_owned(),
            PERSISTENCE => return Err(NOT_LOGGED),
            ROW_SECURITY => format!(
                "{} ROW LEVEL SECURITY",
                if expected.is_empty() {
                    "DISABLE"
                } else {
                    "ENABLE"
                }
            ),
            FORCE_ROW_SECURITY => format!(
                "{}FORCE ROW LEVEL SECURITY",
                if expected.is_empty() { "NO " } else { "" }
            ),
            REPLICA_IDENTITY => match expected {
                "" => "REPLICA IDENTITY DEFAULT".to_owned(),
                "full" => "REPLICA IDENTITY FULL".to_owned(),
                "nothing" => "REPLICA IDENTITY NOTHING".to_owned(),
                _ => return Err(BY_HAND),
            },
            // Known from PostgreSQL 15 on.
            ACCESS_METHOD if key.kind == Kind::Table && wanted.major >= 15 => format!(
                "SET ACCESS METHOD {}",
                if expected.is_empty() {
                    "heap".to_owned()
                } else {
                    sql_ident(expected)
                }
            ),
            TABLESPACE if !expected.is_empty() => format!("SET TABLESPACE {}", sql_ident(expected)),
            INHERITS => parents(expected, actual)?,
            PARTITION_OF | PARTITION_BOUND => {
                let attach = attach(wanted, key, changes)?;
                if !sql.contains(&attach) {
                    sql.push(attach);
                }
                continue;
            }
            DEFINITION if key.kind == Kind::MaterializedView => return Err(OTHER_ROWS),
            OWNED_BY => format!(
                "OWNED BY {}",
                if expected.is_empty() {
                    "NONE"
                } else {
                    expected
                }
            ),
            TYPE | START | MIN | MAX | INCREMENT | CYCLE if key.kind == Kind::Sequence => {
                sequence.push(of_sequence(change.attribute.as_str(), expected));
                continue;
            }
            _ => return Err(BY_HAND),
        };
        sql.push(format!("{alter} {action};"));
    }
    if !sequence.is_empty() {
        // AS comes first.
        sequence.sort_by_key(|clause| !clause.starts_with("AS "));
        sql.push(format!("{alter} {};", sequence.join(" ")));
    }
    Ok(sql)
}

fn of_sequence(attribute: &str, value: &str) -> String {
    match attribute {
        TYPE => format!("AS {value}"),
        START => format!("START WITH {value}"),
        MIN => format!("MINVALUE {value}"),
        MAX => format!("MAXVALUE {value}"),
        INCREMENT => format!("INCREMENT BY {value}"),
        _ if value.is_empty() => "NO CYCLE".to_owned(),
        _ => "CYCLE".to_owned(),
    }
}

/// Parents as the catalog quotes them. What leaves a parent keeps its rows, and its columns.
fn parents(expected: &str, actual: &str) -> Result<String, &'static str> {
    let list = |text: &'_ str| -> Vec<String> {
        text.split(", ")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (wanted, found) = (list(expected), list(actual));
    let gone = found
        .iter()
        .filter(|name| !wanted.contains(name))
        .map(|name| format!("NO INHERIT {}", definition(name)));
    let missing = wanted
        .iter()
        .filter(|name| !found.contains(name))
        .map(|name| format!("INHERIT {}", definition(name)));
    let actions: Vec<String> = gone.chain(missing).collect();
    match actions.is_empty() {
        // Only their order is another.
        true => Err(BY_HAND),
        false => Ok(actions.join(", ")),
    }
}

/// A partition that was detached is attached again: the server looks whether its rows are within its bounds.
fn attach(
    wanted: &Wanted<'_>,
    key: &ObjectKey,
    changes: &[&Change],
) -> Result<String, &'static str> {
    let of = |name: &str| changes.iter().find(|change| change.attribute == name);
    let detached = |name: &str| of(name).is_some_and(|change| change.actual.is_empty());
    let parent = wanted.text(key, PARTITION_OF)?;
    let bound = wanted.text(key, PARTITION_BOUND)?;
    if !detached(PARTITION_OF)
        || !detached(PARTITION_BOUND)
        || parent.is_empty()
        || bound.is_empty()
    {
        return Err(BY_HAND);
    }
    Ok(format!(
        "ALTER TABLE {parent} ATTACH PARTITION {} {};",
        sql_name(key),
        definition(bound)
    ))
}
