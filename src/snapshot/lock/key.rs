//! An object's key as one line of a lock file, as in `index public.k_votes.k_votes_time_idx`; it reads back exactly.

use super::{Kind, ObjectKey};

/// The key in one line: kind and path, names quoted where SQL would quote them, arguments in brackets where there are some.
pub(super) fn write(key: &ObjectKey) -> String {
    let mut path = Vec::new();
    if !key.schema.is_empty() || !key.parent.is_empty() {
        path.push(name(&key.schema));
    }
    if !key.parent.is_empty() {
        path.push(name(&key.parent));
    }
    path.push(name(&key.name));
    let arguments = match (key.kind, key.arguments.as_str()) {
        (Kind::Function, arguments) => format!("({arguments})"),
        (_, "") => String::new(),
        (_, arguments) => format!("({arguments})"),
    };
    format!("{} {}{arguments}", key.kind.as_str(), path.join("."))
}

/// The key of such a line; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<ObjectKey> {
    let (kind, mut rest) = text.split_once(' ')?;
    let kind = Kind::from_name(kind)?;
    let mut path = Vec::new();
    loop {
        let (name, after) = next_name(rest)?;
        path.push(name);
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None => {
                rest = after;
                break;
            }
        }
    }
    let arguments = match rest {
        "" => "",
        rest => rest.strip_prefix('(')?.strip_suffix(')')?,
    };
    let mut path = path.into_iter();
    let (schema, parent, name) = match (path.next(), path.next(), path.next(), path.next()) {
        (Some(name), None, None, None) => (String::new(), String::new(), name),
        (Some(schema), Some(name), None, None) => (schema, String::new(), name),
        (Some(schema), Some(parent), Some(name), None) => (schema, parent, name),
        _ => return None,
    };
    let key = ObjectKey {
        schema,
        parent,
        kind,
        name,
        arguments: arguments.to_owned(),
    };
    // One object has one line: two ways to write it could say it twice.
    (write(&key) == text).then_some(key)
}

/// Whether SQL reads the name as it is without quotes.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && name.chars().all(in_plain)
}

fn in_plain(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

fn name(name: &str) -> String {
    if is_plain(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// The name that a text begins with, and what comes after it.
fn next_name(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(|c| !in_plain(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        return is_plain(name).then(|| (name.to_owned(), rest));
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::{parse, write};
    use crate::snapshot::{Kind, ObjectKey};

    fn key(kind: Kind, [schema, parent, name]: [&str; 3], arguments: &str) -> ObjectKey {
        ObjectKey {
            schema: schema.to_owned(),
            parent: parent.to_owned(),
            kind,
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    #[test]
    fn keys_read_well() {
        let cases = [
            (
                key(Kind::Table, ["public", "", "k_votes"], ""),
                "table public.k_votes",
            ),
            (
                key(Kind::Index, ["public", "k_votes", "k_votes_time_idx"], ""),
                "index public.k_votes.k_votes_time_idx",
            ),
            (
                key(Kind::Extension, ["", "", "uuid-ossp"], ""),
                "extension \"uuid-ossp\"",
            ),
            (
                key(Kind::Function, ["public", "", "f"], "text, integer"),
                "function public.f(text, integer)",
            ),
            (
                key(Kind::Function, ["public", "", "f"], ""),
                "function public.f()",
            ),
            (
                key(Kind::MaterializedView, ["public", "", "Totals"], ""),
                "materialized_view public.\"Totals\"",
            ),
            (key(Kind::Column, ["", "t", "c"], ""), "column \"\".t.c"),
        ];
        for (key, text) in cases {
            assert_eq!(write(&key), text);
            assert_eq!(parse(text), Some(key), "{text}");
        }
    }

    #[test]
    fn hostile_names_come_back() {
        let names = [
            "", " ", ".", "\"", "a\"\".b", "(", ")", "a(b)", "a.b", "A", "1", "é", "\n", "x y",
            "table t",
        ];
        for kind in [Kind::Table, Kind::Column, Kind::Function] {
            for schema in names {
                for parent in names {
                    for name in names {
                        for arguments in ["", "text, \"a)b\"", ")(", "\n"] {
                            let key = key(kind, [schema, parent, name], arguments);
                            assert_eq!(parse(&write(&key)), Some(key.clone()), "{key:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in [
            "",
            "table",
            "table ",
            "tabel public.t",
            "table public.",
            "table .t",
            "table a.b.c.d",
            "table \"t",
            "table \"t\"",
            "table T",
            "table t x",
            "table t(",
            "table t()",
            "function f",
            "table 1t",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
