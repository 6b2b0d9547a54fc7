//! Exceptions that a file itself asks for: `-- dbctl:allow RULE reason`.

use super::judge::{Judged, Placed};
use super::keys::UNSAFE_DDL;
use super::{RULES, answer, rule};
use crate::migration::FileFacts;
use crate::migration::effects::Allow;
use crate::report::verify::{Accepted, Allowed, Found, NotChecked};
use crate::report::{About, Finding, Location, Severity};
use crate::rules::allow::nearest_of;
use crate::rules::{Rule, all};
use crate::snapshot::Gap;

pub(super) const INLINE_ALLOW: Rule = rule(
    "sets/inline-allow",
    Severity::Warning,
    "Does every exception in a migration have a reason, and an effect?",
    include_str!("../help/sets-inline-allow.md"),
    |case| answer(case, "sets/inline-allow"),
);

/// A gap with its place: rule, file, statement.
pub(super) type PlacedGap = (&'static str, usize, Option<usize>, Gap);

/// What an exception took out.
#[derive(Default)]
struct Used {
    first: Option<Taken>,
    times: usize,
}

enum Taken {
    Finding(Finding),
    Gap(&'static str, Gap),
}

/// Takes out what the files allow, and says which exceptions are idle.
pub(super) fn apply(
    files: &[FileFacts],
    placed: Vec<Placed>,
    gaps: Vec<PlacedGap>,
    offline: bool,
    judged: &mut Judged,
) {
    let mut used: Vec<Vec<Used>> = files
        .iter()
        .map(|file| {
            file.effects
                .allows
                .iter()
                .map(|_| Used::default())
                .collect()
        })
        .collect();
    for placed in placed {
        let slot = slot(
            files,
            &mut used,
            placed.draft.rule,
            placed.file,
            placed.statement,
        );
        let finding = placed.finding(files);
        match slot {
            Some(slot) => slot.take(|| Taken::Finding(finding)),
            None => judged.findings.push(finding),
        }
    }
    for (rule, file, statement, gap) in gaps {
        match slot(files, &mut used, rule, file, statement) {
            Some(slot) => slot.take(|| Taken::Gap(rule, gap)),
            None => judged.gaps.push((rule, gap)),
        }
    }
    for (file, used) in files.iter().zip(used) {
        for (allow, used) in file.effects.allows.iter().zip(used) {
            match used.first {
                Some(first) => judged
                    .accepted
                    .push(accepted(file, allow, first, used.times)),
                // Only `check` asks about it.
                None if allow.rule == UNSAFE_DDL.id && !offline => {}
                None => judged.findings.push(idle(file, allow)),
            }
        }
    }
}

impl Used {
    fn take(&mut self, taken: impl FnOnce() -> Taken) {
        self.times += 1;
        self.first.get_or_insert_with(taken);
    }
}

/// The exception for this rule, file and statement, if there is one with a reason.
fn slot<'u>(
    files: &[FileFacts],
    used: &'u mut [Vec<Used>],
    rule: &str,
    file: usize,
    statement: Option<usize>,
) -> Option<&'u mut Used> {
    if is_never_allowed(rule) {
        return None;
    }
    let allows = &files.get(file)?.effects.allows;
    let index = allows.iter().position(|allow| {
        allow.rule == rule
            && !allow.reason.is_empty()
            && (allow.statement.is_none() || allow.statement == statement)
    })?;
    used.get_mut(file)?.get_mut(index)
}

/// Whether the rule's page says that it is never allowed.
fn is_never_allowed(rule: &str) -> bool {
    RULES
        .iter()
        .filter(|known| known.id == rule)
        .filter_map(|known| known.help.split_once("## When to allow it"))
        .any(|(_, when)| when.trim_start().starts_with("Never"))
}

fn accepted(file: &FileFacts, allow: &Allow, first: Taken, times: usize) -> Allowed {
    let what = match first {
        Taken::Finding(finding) => Accepted::Finding(Box::new(Found {
            service: None,
            database: None,
            finding,
        })),
        Taken::Gap(rule, gap) => Accepted::Gap(NotChecked {
            rule,
            service: String::new(),
            reason: gap.reason,
            remedy: gap.remedy,
        }),
    };
    let reason = match times {
        1 => allow.reason.clone(),
        times => format!("{} (and {} more like it)", allow.reason, times - 1),
    };
    Allowed {
        what,
        reason,
        until: None,
        line: allow.place.line,
        file: Some(file.path.clone()),
    }
}

/// An exception that excepts nothing.
fn idle(file: &FileFacts, allow: &Allow) -> Finding {
    let rule = allow.rule.as_str();
    let (why, actual, remedy) = if !RULES.iter().any(|known| known.id == rule) {
        let is_others = all().any(|known| known.id == rule);
        let what = match nearest_of(rule, RULES.iter()) {
            _ if is_others => "is about more than a file".to_owned(),
            Some(id) => format!("is no rule of group sets; did you mean {id}?"),
            None => "is no rule of group sets".to_owned(),
        };
        (
            format!("names {rule:?}, which {what}"),
            "an unknown rule",
            "Correct the rule; `dbctl rules` lists them. Other groups' findings are allowed in the manifest.",
        )
    } else if is_never_allowed(rule) {
        (
            format!("is for {rule}, which nothing in a file can allow"),
            "an exception from a rule that has none",
            "Remove it, and mend what the rule finds; `dbctl explain` says how.",
        )
    } else if allow.reason.is_empty() {
        (
            format!("allows {rule} without a reason, and so allows nothing"),
            "no reason",
            "Write the reason behind the rule, for whoever reads the file next.",
        )
    } else {
        (
            format!("allows {rule}, and there is nothing of the kind"),
            "nothing to allow",
            "Remove it, or move it to the statement that it is for: before it, or behind it on its last line.",
        )
    };
    INLINE_ALLOW
        .finding(
            About::plain("migration", &file.file),
            format!("{}:{}: the exception {why}", file.file, allow.place.line),
        )
        .saw(
            "an exception with a reason, for something that is found",
            actual,
        )
        .remedy(remedy)
        .evidence("file")
        .at(Location {
            file: file.path.clone(),
            line: Some(allow.place.line),
            column: Some(allow.place.column),
        })
}
