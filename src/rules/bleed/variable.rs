//! Rows of another service in a key/value table: the structure is right, only the keys tell.

use std::collections::BTreeMap;

use super::database;
use crate::rules::text::{ident, sql_ident, sql_literal};
use crate::rules::{About, Case, Outcome, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::StoredKey;

/// Keys that programs write while they run, and the service whose they are.
const RUNTIME: [(&str, &str); 2] = [
    ("block_checkpoint", "simply-kaspa-indexer"),
    ("vcp_checkpoint", "simply-kaspa-indexer"),
];

pub(super) const FOREIGN_VARIABLE: Rule = Rule {
    id: "bleed/foreign-variable",
    severity: Severity::Error,
    summary: "Does a key/value table hold a key of another service?",
    help: include_str!("../help/bleed-foreign-variable.md"),
    scope: Scope::Database,
    check: foreign_variable,
};

fn foreign_variable(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    let lock = case.lock()?;
    // A table of another service is reported as such.
    let is_own = |key: &StoredKey| {
        lock.objects.keys().any(|known| {
            known.kind.is_relation() && known.schema == "public" && known.name == key.table
        })
    };
    let mut found: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for key in snapshot.state.keys.get()?.iter().filter(|key| is_own(key)) {
        if let Some(owner) = owner(case, &key.key) {
            found
                .entry((&key.table, &owner.service.name))
                .or_default()
                .push(&key.key);
        }
    }
    let findings = found
        .into_iter()
        .map(|((table, owner), keys)| {
            let shown: Vec<String> = keys.iter().map(|key| ident(key)).collect();
            let literals: Vec<String> = keys.iter().map(|key| sql_literal(key)).collect();
            let name = ident(table);
            FOREIGN_VARIABLE
                .finding(
                    About {
                        kind: "table",
                        schema: Some("public".to_owned()),
                        name: table.to_owned(),
                    },
                    format!(
                        "table public.{name} in database {} of {} holds {} of {owner}",
                        database(case),
                        case.name(),
                        shown.join(", ")
                    ),
                )
                .belongs_to(owner)
                .saw(format!("keys of {} alone", case.name()), shown.join(", "))
                .remedy(format!(
                    "If {owner} needs them, copy them to its own database first. Then: DELETE FROM public.{} WHERE key IN ({});",
                    sql_ident(table),
                    literals.join(", ")
                ))
                .evidence("rows")
        })
        .collect::<Vec<_>>();
    Ok(Outcome::from(findings))
}

/// The other service that has this key, where this one has not. A key that nobody is known to have is the service's own matter.
fn owner<'a>(case: &Case<'a>, key: &str) -> Option<&'a Subject<'a>> {
    if has(case.subject, key) {
        return None;
    }
    case.others().find(|other| has(other, key))
}

fn has(subject: &Subject<'_>, key: &str) -> bool {
    let runtime = RUNTIME
        .iter()
        .any(|(known, service)| *known == key && subject.service.name == *service);
    runtime
        || subject.set.is_some_and(|set| {
            set.migrations
                .iter()
                .any(|migration| inserts(&migration.sql, key))
        })
}

/// Whether a migration writes a row that begins with this key, as in `INSERT INTO vars VALUES ('key', …)`.
fn inserts(sql: &str, key: &str) -> bool {
    let literal = sql_literal(key);
    sql.match_indices(&literal).any(|(at, _)| {
        sql.get(..at)
            .is_some_and(|before| before.trim_end().ends_with('('))
    })
}

#[cfg(test)]
mod tests {
    use super::inserts;

    #[test]
    fn the_first_value_of_a_row_is_its_key() {
        let sql =
            "INSERT INTO vars (key, value) VALUES ('network', 'mainnet'),\n ( 'version', 'x');";
        assert!(inserts(sql, "network"));
        assert!(inserts(sql, "version"));
        assert!(!inserts(sql, "mainnet"));
        assert!(!inserts(sql, "net"));
    }
}
