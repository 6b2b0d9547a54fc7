//! Rules of group `allow`: the manifest's list of accepted findings, judged after all other rules.

use strsim::jaro_winkler;

use super::{About, Outcome, Rule, Scope, Severity};
use crate::manifest::{Allow, Manifest};
use crate::report::Location;
use crate::report::verify::{Accepted, Allowed, Found, NotChecked};

/// The rules of this group. What they ask is asked by [`apply`], when all other answers are there.
pub(super) const RULES: &[Rule] = &[EXPIRED, UNMATCHED];

const EXPIRED: Rule = Rule {
    id: "allow/expired",
    severity: Severity::Warning,
    summary: "Is every accepted finding still within its term?",
    help: include_str!("help/allow-expired.md"),
    scope: Scope::Manifest,
    check: |_| Ok(Outcome::default()),
};

const UNMATCHED: Rule = Rule {
    id: "allow/unmatched",
    severity: Severity::Warning,
    summary: "Does every entry of the allow-list still match something?",
    help: include_str!("help/allow-unmatched.md"),
    scope: Scope::Manifest,
    check: |_| Ok(Outcome::default()),
};

/// What all other rules found.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) findings: Vec<Found>,
    pub(super) not_checked: Vec<NotChecked>,
    pub(super) allowed: Vec<Allowed>,
    /// Every question that was asked: rule and service.
    pub(super) asked: Vec<(&'static str, String)>,
}

/// Takes out what the manifest accepts, and says which entries accept nothing.
pub(super) fn apply(manifest: &Manifest, today: time::Date, offline: bool, answers: &mut Answers) {
    for entry in &manifest.allow {
        if entry.until.is_some_and(|until| until < today) {
            if concerns(entry, answers) {
                answers.findings.push(expired(manifest, entry));
            }
            continue;
        }
        let before = answers.allowed.len();
        if entry.not_checked {
            let gaps = std::mem::take(&mut answers.not_checked);
            let (accepted, kept) = gaps
                .into_iter()
                .partition(|gap| entry.rule == gap.rule && is_service(entry, Some(&gap.service)));
            answers.not_checked = kept;
            accept(entry, answers, accepted, Accepted::Gap);
        } else {
            let findings = std::mem::take(&mut answers.findings);
            let (accepted, kept) = findings
                .into_iter()
                .partition(|found| matches(entry, found));
            answers.findings = kept;
            accept(entry, answers, accepted, |found| {
                Accepted::Finding(Box::new(found))
            });
        }
        // Of sets a run against servers asks only a part, and of addresses a run without.
        let whole = !is_about(entry, if offline { Scope::Address } else { Scope::Set });
        let idle = answers.allowed.len() == before && !is_for_elsewhere(manifest, entry);
        if idle && whole && concerns(entry, answers) {
            answers.findings.push(unmatched(manifest, entry));
        }
    }
}

/// A reason without what may be a password: the credentials of a URL, and what follows `password=`.
fn shown_reason(reason: &str) -> String {
    let shown = |word: &str| {
        let lower = word.to_lowercase();
        let is_secret = ["password", "passwd", "pwd"]
            .iter()
            .any(|name| lower.contains(&format!("{name}=")) || lower.contains(&format!("{name}:")));
        let url = word.split_once("//").zip(word.rsplit_once('@'));
        match url {
            _ if is_secret => "…".to_owned(),
            Some(((before, _), (_, host))) => format!("{before}//…@{host}"),
            None => word.to_owned(),
        }
    };
    let words: Vec<String> = reason.split(' ').map(shown).collect();
    words.join(" ")
}

fn accept<T>(entry: &Allow, answers: &mut Answers, accepted: Vec<T>, what: fn(T) -> Accepted) {
    answers
        .allowed
        .extend(accepted.into_iter().map(|accepted| Allowed {
            what: what(accepted),
            reason: shown_reason(&entry.reason),
            until: entry.until.map(|until| until.to_string()),
            line: entry.line,
            file: None,
        }));
}

fn is_service(entry: &Allow, service: Option<&str>) -> bool {
    entry
        .service
        .as_deref()
        .is_none_or(|wanted| Some(wanted) == service)
}

/// An entry may write the object with or without its schema.
fn matches(entry: &Allow, found: &Found) -> bool {
    let about = &found.finding.about;
    entry.rule == found.finding.rule
        && is_service(entry, found.service.as_deref())
        && entry
            .object
            .as_ref()
            .is_none_or(|object| *object == about.name || *object == about.qualified())
}

/// Whether an entry is about a rule of this scope.
fn is_about(entry: &Allow, scope: Scope) -> bool {
    super::all().any(|rule| rule.id == entry.rule && rule.scope == scope)
}

/// Whether this run would have met what the entry is about: an entry is not called idle by a run that did not look. A finding
/// that could not be looked for is no reason to drop the entry either.
fn concerns(entry: &Allow, answers: &Answers) -> bool {
    let is_known = super::all().any(|rule| rule.id == entry.rule);
    let mut asked = answers
        .asked
        .iter()
        .filter(|(rule, service)| *rule == entry.rule && is_service(entry, Some(service)))
        .peekable();
    // A gap that another entry accepts is one all the same.
    let accepted = answers
        .allowed
        .iter()
        .filter_map(|allowed| match &allowed.what {
            Accepted::Gap(gap) if !entry.not_checked => Some(gap),
            _ => None,
        });
    let gaps: Vec<&NotChecked> = answers.not_checked.iter().chain(accepted).collect();
    let unanswered = |service: &str| {
        gaps.iter()
            .any(|gap| gap.rule == entry.rule && gap.service == service)
    };
    if !is_known {
        // A typing error accepts nothing, ever.
        return true;
    }
    asked.peek().is_some() && asked.all(|(_, service)| !unanswered(service))
}

/// Whether an entry accepts that something is not looked at, and this run has an administrator who looked: on the next machine there may be
/// none.
fn is_for_elsewhere(manifest: &Manifest, entry: &Allow) -> bool {
    let is_known = super::all().any(|rule| rule.id == entry.rule);
    let mut services = manifest.services.iter();
    entry.not_checked
        && is_known
        && services.any(|service| is_service(entry, Some(&service.name)) && service.admin.is_some())
}

fn entry_name(entry: &Allow) -> String {
    let mut name = entry.rule.clone();
    if let Some(service) = &entry.service {
        name = format!("{name} of {service}");
    }
    if let Some(object) = &entry.object {
        name = format!("{name} about {object}");
    }
    name
}

fn found(manifest: &Manifest, entry: &Allow, finding: super::Finding) -> Found {
    let finding = finding.evidence("manifest");
    Found {
        service: entry.service.clone(),
        database: None,
        finding: match &manifest.path {
            Some(path) => finding.at(Location {
                file: path.display().to_string(),
                line: Some(entry.line),
                column: Some(1),
            }),
            None => finding,
        },
    }
}

fn expired(manifest: &Manifest, entry: &Allow) -> Found {
    let until = entry
        .until
        .map_or_else(String::new, |until| until.to_string());
    let finding = EXPIRED
        .finding(
            About::plain("entry", &entry.rule),
            format!(
                "the entry in line {} of {} accepted {} until {until}",
                entry.line,
                manifest.origin(),
                entry_name(entry)
            ),
        )
        .saw("a date in the future", until)
        .remedy(format!(
            "Mend what it accepts ({}), or review it and set a new date.",
            shown_reason(&entry.reason)
        ));
    found(manifest, entry, finding)
}

fn unmatched(manifest: &Manifest, entry: &Allow) -> Found {
    let known = super::all().any(|rule| rule.id == entry.rule);
    let why = if known {
        "matches nothing any more".to_owned()
    } else {
        let like =
            nearest(&entry.rule).map_or_else(String::new, |id| format!("; did you mean {id}?"));
        format!("names a rule that does not exist{like}")
    };
    let finding = UNMATCHED
        .finding(
            About::plain("entry", &entry.rule),
            format!(
                "the entry in line {} of {} for {} {why}",
                entry.line,
                manifest.origin(),
                entry_name(entry)
            ),
        )
        .saw("something that it accepts", "nothing")
        .remedy(
            "Remove the entry, or correct its rule, service or object: names are compared exactly.",
        );
    found(manifest, entry, finding)
}

/// The id of a rule that is spelled much like this, or ends like it: people leave the group away.
pub(crate) fn nearest(id: &str) -> Option<&'static str> {
    nearest_of(id, super::all())
}

/// As [`nearest`], among these rules.
pub(super) fn nearest_of(
    id: &str,
    rules: impl Iterator<Item = &'static Rule>,
) -> Option<&'static str> {
    // No rule's name is longer; to compare a text of megabytes takes minutes.
    if id.len() > 100 {
        return None;
    }
    let id = &id.to_lowercase();
    let score = |rule: &'static str| {
        let name = rule.split_once('/').map_or(rule, |(_, name)| name);
        jaro_winkler(rule, id).max(jaro_winkler(name, id))
    };
    rules
        .map(|rule| (score(rule.id), rule.id))
        .filter(|(score, _)| *score > 0.85)
        // Of equals the first: groups that ask a database come before those that ask files.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::{nearest, nearest_of, shown_reason};

    #[test]
    fn a_rule_is_meant_however_it_is_spelt() {
        for id in [
            "compose/shared-volum",
            "SHARED-VOLUME",
            "Compose/Shared_Volume",
            "compose.shared-volume",
        ] {
            assert_eq!(nearest(id), Some("compose/shared-volume"), "{id}");
        }
        assert_eq!(nearest("nothing of the kind"), None);
        let sets = crate::rules::sets::RULES.iter();
        let of_sets = nearest_of("foreign-objct", sets);
        assert_eq!(of_sets, Some("sets/foreign-object"));
    }

    #[test]
    fn no_password_of_a_reason_is_shown() {
        assert_eq!(
            shown_reason("reads postgres://u:c4n@ry@h/d with password=c4nary until May"),
            "reads postgres://…@h/d with … until May"
        );
        assert_eq!(
            shown_reason("the password is rotated; ask a@b"),
            "the password is rotated; ask a@b"
        );
    }
}
