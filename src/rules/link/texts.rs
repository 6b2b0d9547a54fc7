//! Texts that reach out of the database: bodies of routines, views, defaults, checks, rules, policies, index expressions.

use super::reach::{Reach, shown};
use crate::report::text::one_line;
use crate::rules::bleed::membership;
use crate::rules::drift::{Tables, foreign_owner, severity_of};
use crate::rules::text::{drop_sql, ident, named, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Verdict};
use crate::snapshot::Kind;

pub(super) const REACHES_OUT: Rule = Rule {
    id: "link/reaches-out",
    severity: Severity::Error,
    summary: "Does a function, view or expression reach out of the database?",
    help: include_str!("../help/link-reaches-out.md"),
    scope: Scope::Database,
    check: |case| {
        each(case, &REACHES_OUT, |reach| {
            !reach.native && !reach.acts.is_empty()
        })
    },
};

pub(super) const NATIVE_FUNCTION: Rule = Rule {
    id: "link/native-function",
    severity: Severity::Error,
    summary: "Is there a C or internal function outside of any extension?",
    help: include_str!("../help/link-native-function.md"),
    scope: Scope::Database,
    check: |case| each(case, &NATIVE_FUNCTION, |reach| reach.native),
};

pub(super) const FOREIGN_CHANNEL: Rule = Rule {
    id: "link/foreign-channel",
    severity: Severity::Warning,
    summary: "Does a text use the notification channel of another service?",
    help: include_str!("../help/link-foreign-channel.md"),
    scope: Scope::Database,
    check: |case| {
        each(case, &FOREIGN_CHANNEL, |reach| {
            reach.acts.is_empty() && !reach.channels.is_empty()
        })
    },
};

pub(super) const FOREIGN_NAME: Rule = Rule {
    id: "link/foreign-name",
    severity: Severity::Warning,
    summary: "Does a text name another service's role, database or tables?",
    help: include_str!("../help/link-foreign-name.md"),
    scope: Scope::Database,
    check: |case| {
        each(case, &FOREIGN_NAME, |reach| {
            reach.acts.is_empty() && reach.channels.is_empty()
        })
    },
};

fn each(case: &Case<'_>, rule: &Rule, wanted: fn(&Reach<'_>) -> bool) -> Verdict {
    case.diff()?;
    let findings = case
        .survey
        .reaches
        .iter()
        .filter(|reach| wanted(reach))
        .map(|reach| finding(case, rule, reach))
        .collect::<Vec<_>>();
    Ok(findings.into())
}

fn finding(case: &Case<'_>, rule: &Rule, reach: &Reach<'_>) -> Finding {
    let database = ident(case.subject.service.database_name());
    let mut does: Vec<String> = reach.acts.iter().map(|act| one_line(act)).collect();
    does.extend(
        reach
            .channels
            .iter()
            .map(|(channel, other)| format!("uses channel {} of {other}", ident(channel))),
    );
    if !reach.names.is_empty() {
        does.push(format!("names {}", reach.names.join(", ")));
    }
    let object = reach.object;
    let member = object
        .extension
        .as_deref()
        .map(|extension| membership(object, extension));
    does.extend(member.iter().map(|(what, _)| what.clone()));
    let does = does.join("; ");
    let owner = foreign_owner(case, object);
    let owned = owner.map_or_else(String::new, |(role, service)| {
        format!("; it is owned by role {} of {service}", ident(role))
    });
    // It is not judged more mildly than an object of nobody's would be.
    let least = std::iter::once(&object)
        .chain(&reach.run_by)
        .chain(reach.defaults.iter().map(|(column, _)| column))
        .map(|object| severity_of(case, &Tables::new(case), object))
        .chain(owner.map(|_| Severity::Error))
        .chain(reach.changed.then_some(Severity::Error))
        .max();
    let mut drops: Vec<String> = reach
        .run_by
        .iter()
        .map(|trigger| drop_sql(trigger))
        .collect();
    drops.extend(reach.defaults.iter().map(|(column, expected)| {
        let key = &column.key;
        format!(
            "ALTER TABLE {}.{} ALTER COLUMN {} {};",
            sql_ident(&key.schema),
            sql_ident(&key.parent),
            sql_ident(&key.name),
            match expected {
                Some(expected) => format!("SET DEFAULT {expected}"),
                None => "DROP DEFAULT".to_owned(),
            }
        )
    }));
    drops.push(drop_sql(object));
    let remedy = if let Some((_, remedy)) = member {
        remedy
    } else if reach.changed {
        "The set has another text for it: restore that with the statement of its migration, and find out who changed it.".to_owned()
    } else {
        format!(
            "If nothing that is wanted depends on it: {}",
            drops.join(" ")
        )
    };
    let mut finding = rule
        .finding(
            About::object(object),
            format!(
                "{} in database {database} of {} {does}{owned}",
                shown(reach),
                case.name()
            ),
        )
        .saw(
            format!(
                "a {} that stays within database {database}",
                words(object.key.kind)
            ),
            format!("{}: {does}", named(&object.key)),
        )
        .remedy(remedy);
    finding.severity = finding.severity.max(least.unwrap_or(rule.severity));
    finding.belongs_to = reach
        .owner
        .or_else(|| owner.map(|(_, service)| service))
        .map(str::to_owned);
    finding
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Function => "function",
        kind => kind.words(),
    }
}
