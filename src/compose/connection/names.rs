//! What the names of variables and flags say: a part of a connection, or a whole URL.

use super::Part;

/// How variables and flags end that name a part, longest first.
const ENDS: [(&str, Part); 19] = [
    ("HOSTADDR", Part::Host),
    ("DATABASE_NAME", Part::Database),
    ("DATABASE", Part::Database),
    ("PASSWORD", Part::Password),
    ("HOSTNAME", Part::Host),
    ("USERNAME", Part::Role),
    ("ADDRESS", Part::Host),
    ("DB_NAME", Part::Database),
    ("DBNAME", Part::Database),
    ("PASSWD", Part::Password),
    ("SERVER", Part::Host),
    ("PASS", Part::Password),
    ("ADDR", Part::Host),
    ("HOST", Part::Host),
    ("PORT", Part::Port),
    ("NAME", Part::Database),
    ("USER", Part::Role),
    ("ROLE", Part::Role),
    ("DB", Part::Database),
];

/// What such names begin with, alone or after a `_`.
const BEGINS: [&str; 6] = [
    "DB_",
    "SQL_",
    "PG_",
    "DATABASE_",
    "POSTGRES_",
    "POSTGRESQL_",
];

/// The beginning and the part of a variable such as `K_SOCIAL_DB_HOST`, `APP__DATABASE__HOST` or `PGUSER`.
pub(super) fn part_of(name: &str) -> Option<(String, Part)> {
    // libpq's own; with other names options are a program's.
    if name == "PGOPTIONS" {
        return Some(("PG".to_owned(), Part::Options));
    }
    let name = name.replace("__", "_");
    ENDS.iter().find_map(|(end, part)| {
        let begin = name.strip_suffix(end)?;
        let is_known = begin == "PG"
            || BEGINS.iter().any(|known| {
                begin
                    .strip_suffix(known)
                    .is_some_and(|before| before.is_empty() || before.ends_with('_'))
            });
        is_known.then(|| (begin.to_owned(), *part))
    })
}

/// Whether a variable of this name holds a database's password.
pub(in crate::compose) fn is_password_name(name: &str) -> bool {
    let part = part_of(&name.to_ascii_uppercase());
    part.is_some_and(|(_, part)| matches!(part, Part::Password))
}

/// Whether a variable of this name holds a whole URL.
pub(super) fn is_url_name(name: &str) -> bool {
    ["URL", "URI", "DSN"].iter().any(|end| {
        name.strip_suffix(end).is_some_and(|begin| {
            let begin = begin.trim_end_matches('_');
            ["DATABASE", "DB", "POSTGRES", "POSTGRESQL", "PG", "SQL"]
                .iter()
                .any(|word| begin == *word || begin.ends_with(&format!("_{word}")))
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{is_url_name, part_of};

    #[test]
    fn names_of_parts() {
        for (name, begin) in [
            ("PGHOST", "PG"),
            ("PGHOSTADDR", "PG"),
            ("PGOPTIONS", "PG"),
            ("K_SOCIAL_DB_HOST", "K_SOCIAL_DB_"),
            ("DB_NAME", "DB_"),
            ("POSTGRES_DB", "POSTGRES_"),
            ("APP__DATABASE__HOST", "APP_DATABASE_"),
            ("DB__HOST", "DB_"),
            ("DB_ADDR", "DB_"),
            ("SQL_HOST", "SQL_"),
        ] {
            assert_eq!(part_of(name).unwrap().0, begin, "{name}");
        }
        for name in [
            "HOST",
            "HOSTNAME",
            "REDIS_HOST",
            "MYDB",
            "PGDATA",
            "DB_OPTIONS",
            "MYSQL_HOST",
        ] {
            assert!(part_of(name).is_none(), "{name}");
        }
        assert!(is_url_name("DATABASE_URL") && is_url_name("K_SOCIAL_DATABASE_URL"));
        assert!(!is_url_name("NODE_URL"));
    }
}
