//! What takes back what somebody altered of something that initdb or an extension made.

use crate::rules::text::{sql_ident, sql_name};
use crate::snapshot::{Kind, ObjectKey};

/// The statements that take it back.
pub(in crate::rules) fn unaltered(key: &ObjectKey, altered: &str) -> String {
    let name = sql_name(key);
    if key.kind == Kind::Function {
        return routine(&name, altered);
    }
    let table = || {
        let schema = sql_ident(&key.schema);
        format!("{schema}.{}", sql_ident(&key.parent))
    };
    let sql: Vec<String> = altered
        .split(", ")
        .filter_map(|what| match (key.kind, what) {
            (Kind::Column, "DEFAULT") => Some(format!(
                "ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT;",
                table(),
                sql_ident(&key.name)
            )),
            (Kind::Column, "ADD COLUMN") => Some(format!(
                "ALTER TABLE {} DROP COLUMN {};",
                table(),
                sql_ident(&key.name)
            )),
            (Kind::EventTrigger, "DISABLE" | "ENABLE REPLICA" | "ENABLE ALWAYS") => {
                Some(format!("ALTER EVENT TRIGGER {name} ENABLE;"))
            }
            (Kind::Type, what) => what
                .starts_with("CONSTRAINT ")
                .then(|| format!("ALTER DOMAIN {name} DROP {what};")),
            (kind, what) if what.starts_with("OWNER TO ") => Some(format!(
                "ALTER {} {name} OWNER TO CURRENT_USER;",
                kind.words().to_uppercase()
            )),
            (_, "ROW LEVEL SECURITY") => {
                Some(format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY;"))
            }
            (_, "FORCE ROW LEVEL SECURITY") => {
                Some(format!("ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY;"))
            }
            (_, "UNLOGGED") => Some(format!("ALTER TABLE {name} SET LOGGED;")),
            _ => None,
        })
        .collect();
    sql.join(" ")
}

/// The statements that take back what was altered of a routine.
fn routine(routine: &str, altered: &str) -> String {
    let actions: Vec<String> = altered
        .split(", ")
        .filter_map(|what| match what {
            "SECURITY DEFINER" => Some("SECURITY INVOKER".to_owned()),
            "LEAKPROOF" => Some("NOT LEAKPROOF".to_owned()),
            other => other
                .strip_prefix("SET ")
                .map(|name| format!("RESET {name}")),
        })
        .collect();
    let mut sql = Vec::new();
    if altered.starts_with("OWNER TO ") {
        sql.push(format!("ALTER ROUTINE {routine} OWNER TO CURRENT_USER;"));
    }
    if !actions.is_empty() {
        sql.push(format!("ALTER ROUTINE {routine} {};", actions.join(" ")));
    }
    sql.join(" ")
}
