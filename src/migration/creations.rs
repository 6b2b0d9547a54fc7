//! What pending migrations are certain to create: where one of it is there already, the run would fail after the migrations before it were
//! applied, perhaps for the second time.

use super::words::Words;
use super::{Migration, Mode, Name, Statement, statements};

/// A relation that a pending migration creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation<'a> {
    /// The migration.
    pub migration: &'a Migration,
    /// How many statements stand before the one that creates it.
    pub number: usize,
    /// Its name, with its schema.
    pub name: Name,
}

/// The relations that these migrations create before any of their statements could have taken one of that name away. It ends where a
/// statement may do so, or where names may mean something else than they say.
#[must_use]
pub fn creations(pending: &[Migration]) -> Vec<Creation<'_>> {
    let mut found: Vec<Creation<'_>> = Vec::new();
    for migration in pending {
        // Of one that runs by statement some may have run.
        if migration.mode == Mode::Statements {
            return found;
        }
        for (number, statement) in statements(&migration.sql).iter().enumerate() {
            match read(statement) {
                Does::Creates(name) => found.push(Creation {
                    migration,
                    number,
                    name,
                }),
                Does::Leaves => {}
                Does::Unknown => return found,
            }
        }
    }
    found
}

/// What a statement does to relations that are there.
enum Does {
    /// It makes one, and fails where there is one.
    Creates(Name),
    /// It leaves each its name and place.
    Leaves,
    Unknown,
}

fn read(statement: &Statement<'_>) -> Does {
    let mut words = Words::new(statement.text);
    if words.eat_any(&["insert", "update", "comment", "grant", "revoke", "analyze"]) {
        return Does::Leaves;
    }
    if words.eat(&["alter", "table"]) {
        // What may give a table another name or another place, or take a partition out of it.
        let moves = ["rename", "set", "attach", "detach", "drop"];
        return match moves.iter().any(|word| words.has(&[word])) {
            true => Does::Unknown,
            false => Does::Leaves,
        };
    }
    if !words.eat(&["create"]) {
        return Does::Unknown;
    }
    let makes = words.eat(&["table"])
        || words.eat(&["unlogged", "table"])
        || words.eat(&["view"])
        || words.eat(&["materialized", "view"])
        || words.eat(&["sequence"]);
    if !makes {
        // Code, which runs with later statements, and schemas with statements of their own.
        return match words.eat_any(&["index", "unique", "type", "domain"]) {
            true => Does::Leaves,
            false => Does::Unknown,
        };
    }
    if words.eat(&["if", "not", "exists"]) {
        return Does::Leaves;
    }
    match words.name() {
        Some(name) if name.schema.as_deref() != Some("pg_temp") => Does::Creates(Name {
            schema: Some(name.schema.unwrap_or_else(|| "public".to_owned())),
            name: name.name,
        }),
        _ => Does::Unknown,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::creations;
    use crate::migration::Set;

    fn names(files: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, sql) in files {
            std::fs::write(dir.path().join(name), sql).unwrap();
        }
        let set = Set::on_disk("a", dir.path()).unwrap();
        let found = creations(&set.migrations);
        found
            .iter()
            .map(|one| format!("{}.{} {}", one.migration.version, one.number, one.name))
            .collect()
    }

    #[test]
    fn only_what_is_certain_to_meet_what_is_there() {
        let one = "CREATE TABLE a (i int);\nINSERT INTO a VALUES (1);\nCREATE UNLOGGED TABLE \"B\".\"C\" (i int); CREATE INDEX ON a (i);\n\
                   CREATE TABLE IF NOT EXISTS d (i int); ALTER TABLE a ADD COLUMN j int; CREATE VIEW v AS SELECT 1;";
        assert_eq!(
            names(&[("V1__a.sql", one), ("V2__b.sql", "CREATE SEQUENCE s;")]),
            ["1.0 public.a", "1.2 B.C", "1.6 public.v", "2.0 public.s"]
        );
        for before in [
            "DROP TABLE a",
            "ALTER TABLE a RENAME TO b",
            "ALTER TABLE a SET SCHEMA old",
            "DO $$ BEGIN END $$",
            "SELECT f()",
            "CALL p()",
            "SET LOCAL search_path = x",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TEMP TABLE a (i int)",
            "WITH x AS (SELECT f()) SELECT 1",
            "DELETE FROM a",
            "VACUUM",
        ] {
            let sql = format!("{before};\nCREATE TABLE a (i int);");
            assert_eq!(names(&[("V1__a.sql", &sql)]), [""; 0], "{before}");
        }
    }
}
