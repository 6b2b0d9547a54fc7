//! How messages and remedies write names.

pub(super) use crate::migration::tokens::mentions;
use crate::report::text;
use crate::snapshot::attributes::{DEFINITION, USER_MAPPINGS};
use crate::snapshot::quoting::is_plain;
use crate::snapshot::{Kind, Object, ObjectKey, Rename};

/// A name for a message: quoted where SQL would quote it, with deceiving characters written out.
pub(super) fn ident(name: &str) -> String {
    if is_plain(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", text::one_line(&name.replace('"', "\"\"")))
    }
}

/// A name for SQL that is to be copied into psql.
pub(super) fn sql_ident(name: &str) -> String {
    if !name.chars().any(text::is_unsafe) {
        return ident(name);
    }
    let escaped: String = name
        .chars()
        .map(|c| match c {
            '"' => "\"\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if text::is_unsafe(c) => format!("\\+{:06x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("U&\"{escaped}\"")
}

/// A text for SQL that is to be copied into psql.
pub(super) fn sql_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn joined(parts: &[&str], quote: fn(&str) -> String) -> String {
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| quote(part))
        .collect::<Vec<_>>()
        .join(".")
}

fn named_with(key: &ObjectKey, quote: fn(&str) -> String) -> String {
    let schema = key.schema.as_str();
    match key.kind {
        Kind::Column => joined(&[schema, &key.parent, &key.name], quote),
        Kind::Hypertable if !key.parent.is_empty() => joined(&[schema, &key.parent], quote),
        Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy if !key.parent.is_empty() => {
            format!(
                "{} on {}",
                quote(&key.name),
                joined(&[schema, &key.parent], quote)
            )
        }
        Kind::Function => format!(
            "{}({})",
            joined(&[schema, &key.name], quote),
            text::one_line(&key.arguments)
        ),
        Kind::Operator => {
            let operator = joined(&[schema], quote);
            format!(
                "{operator}.{} ({})",
                text::one_line(&key.name),
                text::one_line(&key.arguments)
            )
        }
        Kind::OperatorClass | Kind::OperatorFamily => {
            format!(
                "{} USING {}",
                joined(&[schema, &key.name], quote),
                quote(&key.arguments)
            )
        }
        Kind::Cast => format!("({})", text::one_line(&key.name)),
        Kind::Transform => text::one_line(&key.name),
        Kind::LargeObject => text::one_line(&key.name),
        _ => joined(&[schema, &key.name], quote),
    }
}

/// The name with its kind, as in `table public.k_posts` or `trigger t on public.blocks`.
pub(super) fn named(key: &ObjectKey) -> String {
    let shown = named_with(key, ident);
    match key.kind {
        Kind::Index if !key.parent.is_empty() => {
            format!(
                "index {shown} on {}",
                joined(&[&key.schema, &key.parent], ident)
            )
        }
        kind => format!("{} {shown}", kind.words()),
    }
}

/// The name for SQL that is to be copied into psql; of a function with its argument types.
pub(super) fn sql_name(key: &ObjectKey) -> String {
    named_with(key, sql_ident)
}

/// The SQL that removes an object, with the warning that belongs to it.
pub(super) fn drop_sql(object: &Object) -> String {
    let key = &object.key;
    let name = named_with(key, sql_ident);
    let table = joined(&[&key.schema, &key.parent], sql_ident);
    let column = sql_ident(&key.name);
    let own = |word: &str| format!("DROP {word} {name};");
    match key.kind {
        Kind::Table => format!("If its rows are needed, move them first. Then: DROP TABLE {name};"),
        Kind::MaterializedView => own("MATERIALIZED VIEW"),
        Kind::ForeignTable => own("FOREIGN TABLE"),
        Kind::Column => format!(
            "If its values are needed, copy them first. Then: ALTER TABLE {table} DROP COLUMN {column};"
        ),
        Kind::Constraint => format!("ALTER TABLE {table} DROP CONSTRAINT {column};"),
        Kind::Function => format!("DROP ROUTINE {name};"),
        Kind::EventTrigger => own("EVENT TRIGGER"),
        Kind::Wrapper => own("FOREIGN DATA WRAPPER"),
        Kind::Server => format!("{}{}", drop_mappings_sql(object, &name), own("SERVER")),
        Kind::Hypertable => format!(
            "Copy the rows into a plain table of the same name; TimescaleDB cannot turn {name} back."
        ),
        Kind::Subscription => format!(
            "ALTER SUBSCRIPTION {name} DISABLE; ALTER SUBSCRIPTION {name} SET (slot_name = NONE); DROP SUBSCRIPTION {name}; then drop its slot at the publisher."
        ),
        Kind::Type if is_domain(object) => own("DOMAIN"),
        Kind::LargeObject => format!(
            "If they are needed, export them with lo_export first. Then: SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE lomowner = {}::regrole;",
            sql_literal(&sql_ident(object.owner.as_deref().unwrap_or_default()))
        ),
        kind => own(&kind.words().to_uppercase()),
    }
}

/// The SQL that gives an object the name back that its lock has for it.
pub(super) fn rename_sql(rename: &Rename) -> String {
    let (was, is) = (&rename.was, &rename.is);
    let old = sql_ident(&was.name);
    let word = match is.kind {
        Kind::Function => "ROUTINE".to_owned(),
        kind => kind.words().to_uppercase(),
    };
    if is.kind.is_part() {
        // Its relation has its own name by then.
        let table = joined(&[&was.schema, &was.parent], sql_ident);
        let new = sql_ident(&is.name);
        return match is.kind {
            Kind::Column | Kind::Constraint => {
                format!("ALTER TABLE {table} RENAME {word} {new} TO {old};")
            }
            Kind::Index => format!(
                "ALTER INDEX {} RENAME TO {old};",
                joined(&[&was.schema, &is.name], sql_ident)
            ),
            _ => format!("ALTER {word} {new} ON {table} RENAME TO {old};"),
        };
    }
    let mut sql = Vec::new();
    let mut now = is.clone();
    if was.name != is.name {
        let name = named_with(&now, sql_ident);
        sql.push(format!("ALTER {word} {name} RENAME TO {old};"));
        now.name.clone_from(&was.name);
    }
    if was.schema != is.schema {
        let (name, schema) = (named_with(&now, sql_ident), sql_ident(&was.schema));
        sql.push(format!("ALTER {word} {name} SET SCHEMA {schema};"));
    }
    sql.join(" ")
}

/// The SQL that removes a server's user mappings, which keep it from being dropped.
fn drop_mappings_sql(object: &Object, server: &str) -> String {
    let mappings = object.attributes.get(USER_MAPPINGS);
    mappings
        .iter()
        .flat_map(|mappings| mappings.split(", "))
        .filter_map(|mapping| mapping.split(" as ").next())
        .map(|role| {
            let role = if role == "public" {
                "PUBLIC".to_owned()
            } else {
                sql_ident(role)
            };
            format!("DROP USER MAPPING IF EXISTS FOR {role} SERVER {server}; ")
        })
        .collect()
}

/// The same without the warning, where it was given already.
pub(super) fn bare_drop_sql(object: &Object) -> String {
    let sql = drop_sql(object);
    sql.split_once(" Then: ")
        .map_or(sql.as_str(), |(_, bare)| bare)
        .to_owned()
}

/// The SQL that gives an object to a role.
pub(super) fn owner_sql(object: &Object, role: &str) -> String {
    let key = &object.key;
    let word = match key.kind {
        // There is no ALTER EXTENSION … OWNER TO.
        Kind::Extension => {
            return format!(
                "See what needs extension {}, then drop it and create it again as {}.",
                ident(&key.name),
                sql_ident(role)
            );
        }
        Kind::Function => "ROUTINE".to_owned(),
        Kind::Type if is_domain(object) => "DOMAIN".to_owned(),
        kind => kind.words().to_uppercase(),
    };
    format!(
        "ALTER {word} {} OWNER TO {};",
        named_with(key, sql_ident),
        sql_ident(role)
    )
}

fn is_domain(object: &Object) -> bool {
    object
        .attributes
        .get(DEFINITION)
        .is_some_and(|text| text.starts_with("DOMAIN"))
}

/// What is known of an object beyond its name, passwords left out.
pub(super) fn details(object: &Object) -> String {
    object
        .attributes
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            format!(
                "{} {}",
                name.replace('_', " "),
                text::short(&redact(value), 160)
            )
        })
        .collect::<Vec<_>>()
        .join("; ")
}

/// The options of a foreign table on one short line, without passwords.
pub(super) fn shown_option(options: &str) -> String {
    text::short(&redact(options), 160)
}

/// Options and connection strings without their passwords, whatever the quoting.
pub(super) fn redact(value: &str) -> String {
    let lower = value.to_lowercase();
    if ["password", "passwd", "secret", "://"]
        .iter()
        .any(|word| lower.contains(word))
    {
        value
            .split_inclusive([' ', ',', '{', '}'])
            .map(|word| {
                let small = word.to_lowercase();
                if ["password", "passwd", "secret"]
                    .iter()
                    .any(|key| small.contains(key))
                {
                    "password=*** ".to_owned()
                } else if let (Some((scheme, rest)), true) =
                    (word.split_once("://"), word.contains('@'))
                {
                    let host = rest.rsplit_once('@').map_or("", |(_, host)| host);
                    format!("{scheme}://***@{host}")
                } else {
                    word.to_owned()
                }
            })
            .collect()
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{ident, mentions, redact, sql_ident};

    #[test]
    fn names_are_quoted_where_sql_would() {
        assert_eq!(ident("k_posts"), "k_posts");
        assert_eq!(ident("Blocks"), "\"Blocks\"");
        assert_eq!(ident("blocks "), "\"blocks \"");
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(ident("a\u{202e}b"), "\"a\\u{202e}b\"");
        assert_eq!(sql_ident("a\u{202e}b"), "U&\"a\\+00202eb\"");
        assert_eq!(ident("user"), "\"user\"");
        assert_eq!(sql_ident("some"), "\"some\"");
    }

    #[test]
    fn a_name_is_a_word() {
        assert!(mentions("EXECUTE FUNCTION public.notify()", "notify"));
        assert!(!mentions("pg_notify('x')", "notify"));
    }

    #[test]
    fn passwords_are_left_out() {
        for text in [
            "{host=a,password=canary}",
            "host=a password=canary dbname=b",
            "postgres://u:canary@h/db",
        ] {
            assert!(!redact(text).contains("canary"), "{}", redact(text));
        }
    }
}
