//! Temporary objects: one that the session has hides whatever else has its name, from its making to its end, in the scope that makes it
//! (PostgreSQL documentation, CREATE TABLE and "The Schema Search Path").

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{Access, Class, Path, names};
use crate::migration::words::Words;

/// The temporary relations that the session has where the script is read.
#[derive(Debug, Default)]
pub(super) struct Temporaries(Vec<Temporary>);

#[derive(Debug)]
struct Temporary {
    name: String,
    /// ON COMMIT DROP.
    until_commit: bool,
}

/// Whether a statement of this kind can make or end something temporary.
pub(super) const fn matters(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(
        kind,
        K::SELECT_INTO
            | K::CREATE_TABLE
            | K::CREATE_TABLE_AS
            | K::CREATE_VIEW
            | K::CREATE_SEQUENCE
            | K::DROP_TABLE
            | K::DROP_VIEW
            | K::DROP_SEQUENCE
            | K::ALTER_TABLE
            | K::ALTER_VIEW
            | K::ALTER_SEQUENCE
            | K::DROP_SCHEMA
            | K::DISCARD_ALL
            | K::DISCARD_TEMP
            | K::DROP_OWNED
            | K::ROLLBACK_TRANSACTION
            | K::ROLLBACK_TO_SAVEPOINT
            | K::PLPGSQL_ROLLBACK_STMT
            | K::COMMIT_TRANSACTION
            | K::PLPGSQL_COMMIT_STMT
    )
}

impl Temporaries {
    /// Whether a name stands for a temporary relation. A new name never does: what is made without TEMP is no temporary one.
    pub(super) fn hide(&self, class: Class, access: Access, path: &Path) -> bool {
        matches!(class, Class::Relation | Class::Type)
            && access != Access::Create
            && path.schema.is_none()
            && self.0.iter().any(|one| one.name == path.name)
    }

    /// Whether a new name is given to something temporary, or to an index of it.
    pub(super) fn share(&self, name: &SyntaxNode) -> bool {
        use SyntaxKind as K;
        let statement = name.parent().and_then(|parent| match parent.kind() {
            K::CREATE_INDEX => Some(parent),
            K::TABLE_RENAME_TO | K::VIEW_RENAME_TO | K::SEQUENCE_RENAME_TO => parent.parent(),
            _ => None,
        });
        statement
            .and_then(|statement| referred(&statement))
            .is_some_and(|path| self.has(&path))
    }

    fn has(&self, path: &Path) -> bool {
        path.is_temporary() || self.hide(Class::Relation, Access::Change, path)
    }

    pub(super) fn add(&mut self, name: String, until_commit: bool) {
        self.0.push(Temporary { name, until_commit });
    }

    fn end(&mut self, path: &Path) {
        if self.has(path) {
            self.0.retain(|one| one.name != path.name);
        }
    }

    /// Takes down what a statement makes and ends, when all of it was read: a query in it still sees what was there before.
    pub(super) fn after(&mut self, node: &SyntaxNode, in_block: bool) {
        use SyntaxKind as K;
        match node.kind() {
            K::SELECT_INTO if in_block => {}
            K::CREATE_TABLE
            | K::CREATE_TABLE_AS
            | K::CREATE_VIEW
            | K::CREATE_SEQUENCE
            | K::SELECT_INTO => self.made(node),
            K::DROP_TABLE | K::DROP_VIEW | K::DROP_SEQUENCE => {
                for path in node.children().filter_map(|child| names::path(&child)) {
                    self.end(&path);
                }
            }
            K::ALTER_TABLE | K::ALTER_VIEW | K::ALTER_SEQUENCE => self.altered(node),
            K::DROP_SCHEMA => {
                let schemas = node.children().filter_map(|child| names::path(&child));
                if schemas
                    .into_iter()
                    .any(|schema| schema.name.starts_with("pg_temp"))
                {
                    self.0.clear();
                }
            }
            // A rollback takes away what its transaction made; what was there before it is not told apart.
            K::DISCARD_ALL
            | K::DISCARD_TEMP
            | K::DROP_OWNED
            | K::ROLLBACK_TRANSACTION
            | K::ROLLBACK_TO_SAVEPOINT
            | K::PLPGSQL_ROLLBACK_STMT => self.0.clear(),
            K::COMMIT_TRANSACTION | K::PLPGSQL_COMMIT_STMT => self.commit(),
            _ => {}
        }
    }

    /// The transaction ends.
    pub(super) fn commit(&mut self) {
        self.0.retain(|one| !one.until_commit);
    }

    /// Takes down what a statement may end that the parser does not know.
    pub(super) fn after_unread(&mut self, text: &str) {
        let ends = ["drop", "alter", "discard", "rollback", "abort"];
        if Words::new(text).eat_any(&ends) {
            self.0.clear();
        }
    }

    fn made(&mut self, statement: &SyntaxNode) {
        use SyntaxKind as K;
        let plans = [K::EXPLAIN, K::PREPARE];
        if statement
            .ancestors()
            .any(|above| plans.contains(&above.kind()))
        {
            return;
        }
        let named = statement
            .children()
            .flat_map(|child| match child.kind() {
                K::INTO_CLAUSE => child.children().collect(),
                _ => vec![child],
            })
            .find(|child| names::class(child.kind()).is_some_and(|(_, creates)| creates));
        let Some((name, path)) = named.and_then(|name| Some((name.clone(), names::path(&name)?)))
        else {
            return;
        };
        if is_temporary(&name) || path.is_temporary() {
            self.add(path.name, is_dropped_on_commit(statement));
        }
    }

    fn altered(&mut self, statement: &SyntaxNode) {
        use SyntaxKind as K;
        let Some(old) = referred(statement).filter(|path| self.has(path)) else {
            return;
        };
        for action in statement.children() {
            match action.kind() {
                K::TABLE_RENAME_TO | K::VIEW_RENAME_TO | K::SEQUENCE_RENAME_TO => {
                    let until_commit = self
                        .0
                        .iter()
                        .any(|one| one.name == old.name && one.until_commit);
                    self.end(&old);
                    if let Some(new) = action.children().find_map(|name| names::path(&name)) {
                        self.add(new.name, until_commit);
                    }
                }
                K::SET_SCHEMA => self.end(&old),
                _ => {}
            }
        }
    }
}

/// Whether the statement around a new name makes something temporary.
pub(super) fn is_temporary(name: &SyntaxNode) -> bool {
    name.parent().is_some_and(|statement| {
        statement
            .children()
            .any(|child| child.kind() == SyntaxKind::TEMP)
    })
}

/// Whether a foreign key of a new temporary table refers to the table itself.
pub(super) fn is_own_key(node: &SyntaxNode, path: &Path) -> bool {
    use SyntaxKind as K;
    let is_key = |above: &SyntaxNode| {
        matches!(
            above.kind(),
            K::REFERENCES_CONSTRAINT | K::FOREIGN_KEY_CONSTRAINT
        )
    };
    if path.schema.is_some() || !node.ancestors().any(|above| is_key(&above)) {
        return false;
    }
    node.ancestors()
        .find(|above| above.kind() == K::CREATE_TABLE)
        .and_then(|table| table.children().find(|child| child.kind() == K::TABLE_NAME))
        .is_some_and(|name| {
            is_temporary(&name) && names::path(&name).is_some_and(|own| own.name == path.name)
        })
}

fn is_dropped_on_commit(statement: &SyntaxNode) -> bool {
    statement
        .children()
        .filter(|child| child.kind() == SyntaxKind::ON_COMMIT)
        .any(|clause| Words::new(&clause.text().to_string()).has(&["drop"]))
}

/// The relation that a statement alters or indexes.
fn referred(statement: &SyntaxNode) -> Option<Path> {
    use SyntaxKind as K;
    statement
        .children()
        .find(|child| {
            matches!(
                child.kind(),
                K::TABLE_RELATION_NAME | K::VIEW_REF | K::SEQUENCE_REF
            )
        })
        .and_then(|name| names::path(&name))
}

#[cfg(test)]
mod tests {
    use crate::migration::effects::{Access, Act, effects};

    /// Whether the last use of `a` that makes nothing stands for something temporary; `None` without any.
    fn hides(sql: &str) -> Option<bool> {
        let uses = effects(sql).effects.into_iter().rev();
        let mut found = uses.filter_map(|effect| match effect.act {
            Act::Names {
                access: Access::Change | Access::Read,
                path,
                temporary,
                ..
            } if path.name == "a" => Some(temporary),
            _ => None,
        });
        found.next()
    }

    #[test]
    fn a_temporary_name_hides_until_its_end() {
        for sql in [
            "CREATE TEMP TABLE a (i int); DELETE FROM a",
            "CREATE LOCAL TEMPORARY TABLE a AS SELECT 1; DELETE FROM a",
            "CREATE TABLE pg_temp.a (i int); DELETE FROM a",
            "CREATE TEMP VIEW a AS SELECT 1; TABLE a",
            "SELECT 1 INTO TEMP a; TABLE a",
            "CREATE TEMP TABLE b (i int); ALTER TABLE b RENAME TO a; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); ALTER TABLE a RENAME COLUMN i TO j; DELETE FROM a",
            "CREATE TEMP TABLE a (i int PRIMARY KEY, j int REFERENCES a)",
            "CREATE TEMP TABLE a (i int); SELECT 'a'::regclass",
            "CREATE TEMP TABLE a (i int) ON COMMIT DROP; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); COMMIT; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); DROP TABLE public.a; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); DROP TABLE a",
            "DO $$ BEGIN CREATE TEMP TABLE a (i int); DELETE FROM a; END $$",
            "DO $$ BEGIN CREATE TEMP TABLE a (i int); END $$; DELETE FROM a",
            "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE a (i int)'; EXECUTE 'DELETE FROM a'; END $$",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE a (i int); DELETE FROM a; END $$",
        ] {
            assert_eq!(hides(sql), Some(true), "{sql}");
        }
        for sql in [
            "DELETE FROM a; CREATE TEMP TABLE a (i int)",
            "CREATE TEMP TABLE a (i int); DELETE FROM public.a",
            "CREATE TEMP TABLE a AS SELECT * FROM a",
            "SELECT 1 INTO TEMP a FROM a",
            "CREATE TEMP TABLE a (LIKE a)",
            "CREATE TEMP TABLE a (i int); DROP TABLE a; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); DROP TABLE IF EXISTS b, pg_temp.a; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); DISCARD TEMP; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); DISCARD ALL; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); ALTER TABLE a RENAME TO b; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); ALTER TABLE a SET SCHEMA public; DELETE FROM a",
            "CREATE TEMP TABLE a (i int) ON COMMIT DROP; COMMIT; DELETE FROM a",
            "CREATE TEMP TABLE a (i int) ON COMMIT DROP; VACUUM b; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); ROLLBACK; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); DROP SCHEMA pg_temp CASCADE; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); DROP TABLE a FROBNICATE; DELETE FROM a",
            "EXPLAIN CREATE TEMP TABLE a AS SELECT 1; DELETE FROM a",
            "DO $$ BEGIN CREATE TEMP TABLE a (i int); DROP TABLE a; END $$; DELETE FROM a",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE a (i int); END $$; DELETE FROM a",
            "CREATE TEMP TABLE a (i int); CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM a'",
        ] {
            assert_eq!(hides(sql), Some(false), "{sql}");
        }
    }

    #[test]
    fn what_is_made_without_temp_is_not_temporary() {
        let made = |sql: &str| {
            effects(sql)
                .effects
                .into_iter()
                .rev()
                .find_map(|effect| match effect.act {
                    Act::Names {
                        access: Access::Create,
                        temporary,
                        ..
                    } => Some(temporary),
                    _ => None,
                })
        };
        let temporary = "CREATE TEMP TABLE a (i int);";
        for (sql, expected) in [
            ("CREATE TABLE a (i int)", false),
            ("DROP TABLE a; CREATE TABLE a (i int)", false),
            ("ALTER TABLE a RENAME TO b", true),
            ("CREATE INDEX b ON a (i)", true),
            ("CREATE INDEX b ON c (i)", false),
            ("CREATE TEMP TABLE b (i int) FROBNICATE", true),
        ] {
            assert_eq!(made(&format!("{temporary} {sql}")), Some(expected), "{sql}");
        }
    }
}
