//! Columns.

use super::identity::{identity, past_the_highest};
use super::{BY_HAND, Sql, Wanted, definition, names, table_of};
use crate::rules::text::sql_ident;
use crate::snapshot::attributes::{
    COLLATION, COLUMN_COMPRESSION, DEFAULT, GENERATED, IDENTITY, NOT_NULL, STORAGE, TYPE,
};
use crate::snapshot::{Change, Kind, ObjectKey};

const NARROWER: &str =
    "look first whether every value fits the type that it had, and copy what does not";
const GENERATED_AGAIN: &str = "a column that holds values cannot be made a generated one: see whether they are what it would hold, then drop it and add it again";

/// The statement that undoes all changes of a column.
pub(super) fn undo(wanted: &Wanted<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    let table = table_of(key);
    let column = sql_ident(&key.name);
    // A view's column has a default and nothing else of its own.
    let is_views = wanted
        .whole(key)
        .is_none_or(|kind| matches!(kind, Kind::View | Kind::MaterializedView));
    if is_views && names(changes) != [DEFAULT] {
        return Err(BY_HAND);
    }
    let mut actions = Vec::new();
    let mut after = Vec::new();
    for change in changes {
        let action = |words: String| format!("ALTER COLUMN {column} {words}");
        match change.attribute.as_str() {
            TYPE | COLLATION => {
                let retyped = action(retyped(wanted, key, changes)?);
                if !actions.contains(&retyped) {
                    actions.push(retyped);
                }
            }
            DEFAULT => actions.push(action(match wanted.text(key, DEFAULT)? {
                "" => "DROP DEFAULT".to_owned(),
                default => format!("SET DEFAULT {}", definition(default)),
            })),
            NOT_NULL => actions.push(action(match change.expected.as_str() {
                "true" => "SET NOT NULL".to_owned(),
                "" => "DROP NOT NULL".to_owned(),
                _ => return Err(BY_HAND),
            })),
            IDENTITY => {
                actions.extend(identity(change).into_iter().map(action));
                if change.actual.is_empty() {
                    after.push(past_the_highest(&table, key, change));
                }
            }
            GENERATED => actions.push(action(generated(wanted, key, change)?)),
            STORAGE => actions.push(action(storage(wanted, key, change)?)),
            COLUMN_COMPRESSION => actions.push(action(format!(
                "SET COMPRESSION {}",
                if change.expected.is_empty() {
                    "DEFAULT"
                } else {
                    &change.expected
                }
            ))),
            _ => return Err(BY_HAND),
        }
    }
    let mut sql = vec![format!("ALTER TABLE {table} {};", actions.join(", "))];
    sql.extend(after);
    Ok(sql)
}

/// Type and collation are written together. Only a type that holds every value of the present one is given back by a statement.
fn retyped(
    wanted: &Wanted<'_>,
    key: &ObjectKey,
    changes: &[&Change],
) -> Result<String, &'static str> {
    let to = wanted.text(key, TYPE)?;
    let narrower = |change: &&&Change| change.attribute == TYPE && !holds_all(to, &change.actual);
    if changes.iter().any(|change| narrower(&change)) {
        return Err(NARROWER);
    }
    Ok(match wanted.text(key, COLLATION)? {
        "" => format!("TYPE {to}"),
        collation => format!("TYPE {to} COLLATE {collation}"),
    })
}

/// Whether a type holds every value of another as it is.
fn holds_all(to: &str, from: &str) -> bool {
    const NUMBERS: [&str; 4] = ["smallint", "integer", "bigint", "numeric"];
    let place = |name: &str| NUMBERS.iter().position(|number| *number == name);
    if let (Some(to), Some(from)) = (place(to), place(from)) {
        return to > from;
    }
    let length = |name: &str| {
        let inner = name.strip_prefix("character varying")?;
        match inner
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
        {
            Some(digits) => digits.parse::<u32>().ok(),
            None => inner.is_empty().then_some(u32::MAX),
        }
    };
    let length = |name: &str| {
        if name == "text" {
            Some(u32::MAX)
        } else {
            length(name)
        }
    };
    if let (Some(to), Some(from)) = (length(to), length(from)) {
        return to >= from;
    }
    (to, from) == ("double precision", "real") || to == "numeric" && from.starts_with("numeric(")
}

fn generated(
    wanted: &Wanted<'_>,
    key: &ObjectKey,
    change: &Change,
) -> Result<String, &'static str> {
    let parts = |text: &'_ str| -> Option<(String, String)> {
        let (expression, how) = text.rsplit_once(' ')?;
        Some((expression.to_owned(), how.to_owned()))
    };
    let text = wanted.text(key, GENERATED)?;
    match (parts(text), parts(&change.actual)) {
        // Its values stay where they are.
        (None, Some((_, how))) if how == "stored" => Ok("DROP EXPRESSION".to_owned()),
        // They are computed anew, from the other columns.
        (Some((expression, how)), Some((_, found))) if how == found && wanted.major >= 17 => {
            Ok(format!("SET EXPRESSION AS {}", definition(&expression)))
        }
        (Some(_), None) => Err(GENERATED_AGAIN),
        _ => Err(BY_HAND),
    }
}

/// `SET STORAGE DEFAULT` is known from PostgreSQL 16 on.
fn storage(wanted: &Wanted<'_>, key: &ObjectKey, change: &Change) -> Result<String, &'static str> {
    let of_type = |name: &str| {
        let name = name.split('(').next().unwrap_or(name);
        match name {
            "numeric" | "inet" | "cidr" => Some("MAIN"),
            "text" | "bytea" | "json" | "jsonb" | "character varying" | "character" | "xml" => {
                Some("EXTENDED")
            }
            _ => None,
        }
    };
    let storage = match change.expected.as_str() {
        "" if wanted.major >= 16 => "DEFAULT".to_owned(),
        "" => of_type(wanted.text(key, TYPE)?).ok_or(BY_HAND)?.to_owned(),
        storage => storage.to_uppercase(),
    };
    Ok(format!("SET STORAGE {storage}"))
}

#[cfg(test)]
mod tests {
    use super::holds_all;

    #[test]
    fn only_wider_types_hold_all_values() {
        for (to, from) in [
            ("bigint", "integer"),
            ("numeric", "smallint"),
            ("text", "character varying(3)"),
            ("character varying(5)", "character varying(3)"),
            ("text", "character varying"),
            ("double precision", "real"),
            ("numeric", "numeric(3,1)"),
        ] {
            assert!(holds_all(to, from), "{to} {from}");
            let same = ["text", "character varying"].contains(&from);
            assert!(same || !holds_all(from, to), "{from} {to}");
        }
        assert!(!holds_all("date", "timestamp without time zone"));
        assert!(!holds_all("text", "character(3)"));
    }
}
