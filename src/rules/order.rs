//! The order in which the remedies of one database run: whoever copies them from top to bottom is not told to use CASCADE, nor to make
//! something again before that which it needs. Among findings of one severity, for the most severe come first.

use std::collections::{BTreeSet, HashMap};

use super::drift::sql_of;
use super::survey::Survey;
use super::{Case, Finding};
use crate::report::verify::Found;
use crate::snapshot::attributes::DEFINITION;
use crate::snapshot::{Kind, Object};

/// Orders the findings of one service.
pub(super) fn order(case: &Case<'_>, survey: &Survey<'_>, findings: &mut [Found]) {
    if findings.len() < 2 {
        return;
    }
    let texts = Texts::new(case, survey);
    let steps: Vec<Step> = findings
        .iter()
        .map(|found| texts.step(&found.finding))
        .collect();
    let mut places: Vec<(usize, Found)> = sorted(&steps)
        .into_iter()
        .zip(findings.iter().cloned())
        .collect();
    places.sort_by_key(|(place, _)| *place);
    for (slot, (_, found)) in findings.iter_mut().zip(places) {
        *slot = found;
    }
}

/// What a remedy does to the object that its finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// It takes it away.
    Drop,
    /// It makes it again, or gives it back its name.
    Make,
    /// It changes it.
    Change,
    /// None of these, or by hand.
    Other,
}

/// One finding, as far as its place depends on others.
#[derive(Debug)]
struct Step {
    act: Act,
    /// Where it stands if nothing else tells.
    rank: u8,
    /// The words of the name that others know its object by; for a column its table's too.
    name: BTreeSet<String>,
    /// The words of what its object needs: of one that is taken away or changed, as it is now.
    needs: BTreeSet<String>,
    /// The words of what its remedy runs.
    runs: BTreeSet<String>,
}

/// What the objects that are to go, or to change, say of others.
struct Texts<'a> {
    objects: HashMap<(&'static str, String, String), Vec<&'a Object>>,
    parts: HashMap<(&'a str, &'a str), Vec<&'a Object>>,
}

impl<'a> Texts<'a> {
    fn new(case: &Case<'a>, survey: &Survey<'a>) -> Self {
        let mut texts = Self {
            objects: HashMap::new(),
            parts: HashMap::new(),
        };
        for (object, _) in &survey.extras {
            let about = crate::report::About::object(object);
            let key = (about.kind, about.schema.unwrap_or_default(), about.name);
            texts.objects.entry(key).or_default().push(object);
            if object.key.kind.is_relation() {
                texts
                    .parts
                    .entry((&object.key.schema, &object.key.name))
                    .or_default();
            }
        }
        let all = case
            .snapshot()
            .map_or(&[][..], |snapshot| &snapshot.objects);
        if texts.parts.is_empty() {
            return texts;
        }
        for part in all.iter().filter(|object| object.key.kind.is_part()) {
            let whole = (part.key.schema.as_str(), part.key.parent.as_str());
            if let Some(parts) = texts.parts.get_mut(&whole) {
                parts.push(part);
            }
        }
        texts
    }

    fn step(&self, finding: &Finding) -> Step {
        let act = act(finding);
        let (kind, remedy) = (finding.about.kind, finding.remedy.as_str());
        let mut needs = BTreeSet::new();
        match act {
            Act::Drop => {
                let schema = finding.about.schema.clone().unwrap_or_default();
                let found = self
                    .objects
                    .get(&(kind, schema, finding.about.name.clone()));
                for object in found.into_iter().flatten() {
                    uses(object, &mut needs);
                    let key = (object.key.schema.as_str(), object.key.name.as_str());
                    let parts = self
                        .parts
                        .get(&key)
                        .filter(|_| object.key.kind.is_relation());
                    parts
                        .into_iter()
                        .flatten()
                        .for_each(|part| uses(part, &mut needs));
                }
            }
            Act::Change => words(&finding.actual, &mut needs),
            Act::Make | Act::Other => {}
        }
        let mut name = BTreeSet::new();
        words(&finding.about.name, &mut name);
        let mut runs = BTreeSet::new();
        if matches!(act, Act::Make | Act::Change) {
            words(sql_of(remedy).unwrap_or_default(), &mut runs);
        }
        Step {
            act,
            rank: match finding.rule {
                // What is given back to the service can then be mended by it.
                "access/object-owner" => 0,
                _ => rank(act, kind, remedy),
            },
            name,
            needs,
            runs,
        }
    }
}

fn act(finding: &Finding) -> Act {
    match finding.rule {
        "drift/missing-object" => Act::Make,
        "drift/changed-object" => Act::Change,
        _ if finding.remedy.contains("DROP ") => Act::Drop,
        _ => Act::Other,
    }
}

/// What acts on others goes first, then what shows them, types and schemas last; what is made again is made from the ground up.
fn rank(act: Act, kind: &str, remedy: &str) -> u8 {
    match (act, kind) {
        // Under its old name it is found by all that follows.
        (Act::Make, _) if remedy.contains(" RENAME ") || remedy.contains(" SET SCHEMA ") => 1,
        (Act::Drop, "event_trigger" | "trigger" | "rule" | "policy") => 2,
        (Act::Drop, "view" | "materialized_view") => 3,
        (Act::Drop, "type" | "domain") => 50,
        (Act::Drop, "schema") => 51,
        (Act::Drop | Act::Other, _) => 40,
        (Act::Change, _) => 30,
        (Act::Make, "schema" | "extension") => 11,
        (Act::Make, "type" | "collation" | "sequence") => 12,
        (Act::Make, "table" | "foreign_table" | "column") => 13,
        (Act::Make, "function") => 14,
        (Act::Make, "constraint") if remedy.contains("FOREIGN KEY") => 17,
        (Act::Make, "constraint") => 15,
        (Act::Make, "index") => 16,
        (Act::Make, "view" | "materialized_view") => 18,
        (Act::Make, _) => 19,
    }
}

/// The words of what an object cannot be without. The text of a function is no such thing: the server does not look into it.
fn uses(object: &Object, into: &mut BTreeSet<String>) {
    words(&object.key.arguments, into);
    for (name, text) in &object.attributes {
        if object.key.kind != Kind::Function || name != DEFINITION {
            words(text, into);
        }
    }
}

/// Names as they stand in SQL, one by one.
fn words(text: &str, into: &mut BTreeSet<String>) {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let found = text
        .split(|c| !is_of_name(c))
        .filter(|word| !word.is_empty());
    into.extend(found.map(str::to_owned));
}

/// The place of each step. Where they go in a circle the rank decides.
fn sorted(steps: &[Step]) -> Vec<usize> {
    let mut by_word: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        if let Some(word) = step.name.first() {
            by_word.entry(word).or_default().push(at);
        }
    }
    // Those that a text names, itself apart.
    let named = |text: &BTreeSet<String>, own: usize| -> BTreeSet<usize> {
        let known = text.iter().filter_map(|word| by_word.get(word.as_str()));
        known
            .flatten()
            .copied()
            .filter(|at| *at != own && steps.get(*at).is_some_and(|step| step.name.is_subset(text)))
            .collect()
    };
    let is = |at: &usize, act: Act| steps.get(*at).is_some_and(|step| step.act == act);
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    let mut waits: Vec<usize> = vec![0; steps.len()];
    let mut before = |first: usize, second: usize| {
        if let (Some(list), Some(count)) = (after.get_mut(first), waits.get_mut(second)) {
            list.push(second);
            *count += 1;
        }
    };
    for (at, step) in steps.iter().enumerate() {
        // What uses another thing goes, or changes, before that goes.
        for other in named(&step.needs, at)
            .iter()
            .filter(|other| is(other, Act::Drop))
        {
            before(at, *other);
        }
        // What is needed is made before.
        for other in named(&step.runs, at)
            .iter()
            .filter(|other| is(other, Act::Make))
        {
            before(*other, at);
        }
    }
    let priority = |at: usize| (steps.get(at).map_or(0, |step| step.rank), at);
    let all = (0..steps.len()).map(priority);
    let (mut ready, mut left): (BTreeSet<_>, BTreeSet<_>) =
        all.partition(|(_, at)| waits.get(*at) == Some(&0));
    let mut places = vec![0; steps.len()];
    let mut next = 0;
    while let Some((_, at)) = ready.pop_first().or_else(|| left.pop_first()) {
        if let Some(place) = places.get_mut(at) {
            *place = next;
            next += 1;
        }
        for second in after.get_mut(at).map(std::mem::take).unwrap_or_default() {
            if let Some(count) = waits.get_mut(second) {
                *count = count.saturating_sub(1);
                if *count == 0 && left.remove(&priority(second)) {
                    ready.insert(priority(second));
                }
            }
        }
    }
    places
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
