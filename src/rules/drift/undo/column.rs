//! Columns.

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

/// `always (increment 2, start 100)`: how values are given, and what the sequence has other than the server gives.
struct Identity<'t> {
    always: bool,
    options: Vec<(&'t str, &'t str)>,
}

impl<'t> Identity<'t> {
    fn of(text: &'t str) -> Self {
        let (how, rest) = text.split_once(" (").unwrap_or((text, ""));
        let options = rest
            .trim_end_matches(')')
            .split(", ")
            .filter(|option| !option.is_empty());
        Self {
            always: how == "always",
            options: options
                .map(|option| option.split_once(' ').unwrap_or((option, "")))
                .collect(),
        }
    }

    const fn how(&self) -> &'static str {
        if self.always { "ALWAYS" } else { "BY DEFAULT" }
    }

    fn option(&self, name: &str) -> Option<&'t str> {
        self.options
            .iter()
            .find(|(option, _)| *option == name)
            .map(|(_, value)| *value)
    }

    fn falls(&self) -> bool {
        self.option("increment")
            .is_some_and(|step| step.starts_with('-'))
    }

    /// An option in words, with what the server gives where nothing is said.
    fn words(&self, name: &str) -> String {
        match (name, self.option(name)) {
            ("increment", step) => format!("INCREMENT BY {}", step.unwrap_or("1")),
            ("min", Some(min)) => format!("MINVALUE {min}"),
            ("min", None) => "NO MINVALUE".to_owned(),
            ("max", Some(max)) => format!("MAXVALUE {max}"),
            ("max", None) => "NO MAXVALUE".to_owned(),
            ("cycle", Some(_)) => "CYCLE".to_owned(),
            ("cycle", None) => "NO CYCLE".to_owned(),
            (_, Some(start)) => format!("START WITH {start}"),
            (_, None) if self.falls() => {
                format!("START WITH {}", self.option("max").unwrap_or("-1"))
            }
            (_, None) => format!("START WITH {}", self.option("min").unwrap_or("1")),
        }
    }
}

/// What makes a column's identity the lock's.
fn identity(change: &Change) -> Vec<String> {
    let (wanted, found) = (Identity::of(&change.expected), Identity::of(&change.actual));
    if change.expected.is_empty() {
        return vec!["DROP IDENTITY".to_owned()];
    }
    if change.actual.is_empty() {
        let options: Vec<String> = wanted
            .options
            .iter()
            .map(|(name, _)| wanted.words(name))
            .collect();
        let options = match options.is_empty() {
            true => String::new(),
            false => format!(" ({})", options.join(" ")),
        };
        return vec![format!(
            "ADD GENERATED {} AS IDENTITY{options}",
            wanted.how()
        )];
    }
    let mut words = Vec::new();
    if wanted.always != found.always {
        words.push(format!("SET GENERATED {}", wanted.how()));
    }
    for name in ["increment", "min", "max", "start", "cycle"] {
        if wanted.words(name) != found.words(name) {
            words.push(format!("SET {}", wanted.words(name)));
        }
    }
    // One action: the sequence is judged with all its new values.
    vec![words.join(" ")]
}

/// A new sequence would give numbers that rows have already.
fn past_the_highest(table: &str, key: &ObjectKey, change: &Change) -> String {
    let last = if Identity::of(&change.expected).falls() {
        "min"
    } else {
        "max"
    };
    format!(
        "SELECT setval(pg_get_serial_sequence({}, {}), {last}({})) FROM {table};",
        super::quoted(table),
        super::quoted(&key.name),
        sql_ident(&key.name)
    )
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
    use super::{Identity, holds_all, identity};
    use crate::snapshot::attributes::IDENTITY;
    use crate::snapshot::{Change, Kind, ObjectKey};

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

    #[test]
    fn an_identity_is_given_back_what_it_had() {
        let of = |expected: &str, actual: &str| {
            identity(&Change {
                key: ObjectKey {
                    schema: "public".into(),
                    parent: "t".into(),
                    kind: Kind::Column,
                    name: "id".into(),
                    arguments: String::new(),
                },
                attribute: IDENTITY.into(),
                expected: expected.into(),
                actual: actual.into(),
            })
        };
        assert_eq!(of("", "always"), ["DROP IDENTITY"]);
        assert_eq!(
            of("by default (increment 2, start 100)", ""),
            ["ADD GENERATED BY DEFAULT AS IDENTITY (INCREMENT BY 2 START WITH 100)"]
        );
        assert_eq!(
            of("always", "by default (increment -1, max 5, cycle)"),
            [
                "SET GENERATED ALWAYS SET INCREMENT BY 1 SET NO MAXVALUE SET START WITH 1 SET NO CYCLE"
            ]
        );
        assert!(Identity::of("always (increment -1)").falls());
    }
}
