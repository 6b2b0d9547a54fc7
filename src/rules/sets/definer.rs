//! Functions that run with their owner's rights, as a whole set leaves them: what a later statement mends is no fault of the set.

mod state;

use super::judge::{Draft, Placed};
use super::{answer, rule};
use crate::migration::FileFacts;
use crate::migration::effects::{Act, Change, Effect, Names, Path, Runs};
use crate::rules::text::ident;
use crate::rules::{About, Rule, Severity};
use state::{Known, State};

pub(super) const SECURITY_DEFINER: Rule = rule(
    "sets/security-definer",
    Severity::Warning,
    "Does a SECURITY DEFINER function say where its names come from?",
    include_str!("../help/sets-security-definer.md"),
    |case| answer(case, "sets/security-definer"),
);

/// The last schema of a search path that is safe.
const TEMPORARY: &str = "pg_temp";

/// The functions of a set that are left with their owner's rights and names from elsewhere, each at the place that makes it so. A down
/// script is judged by what it leaves itself.
pub(super) fn open_definers(files: &[FileFacts]) -> Vec<Placed> {
    let mut after = State::default();
    let mut found = Vec::new();
    for (number, file) in files.iter().enumerate() {
        if !file.effects.effects.iter().any(matters) {
            continue;
        }
        found.extend(within_functions(file, number));
        if file.down {
            let mut back = after.clone();
            back.run(file, number, |_, runs| runs != Runs::WhenCalled);
            found.extend(open(&back).filter(|placed| placed.file == number));
        } else {
            after.run(file, number, |_, runs| runs != Runs::WhenCalled);
        }
    }
    found.extend(open(&after));
    found
}

/// The functions that the bodies of functions make, each body by itself: nobody knows when it runs.
fn within_functions(file: &FileFacts, number: usize) -> Vec<Placed> {
    let mut statements: Vec<usize> = file
        .effects
        .effects
        .iter()
        .filter(|effect| runs(effect) == Some(Runs::WhenCalled))
        .map(|effect| effect.statement)
        .collect();
    statements.dedup();
    let left = statements.into_iter().flat_map(|statement| {
        let mut state = State::default();
        state.run(file, number, |effect, runs| {
            effect.statement == statement && runs == Runs::WhenCalled
        });
        open(&state).collect::<Vec<_>>()
    });
    left.collect()
}

fn matters(effect: &Effect) -> bool {
    runs(effect).is_some()
}

/// Whether an effect on a function happens, if it is one.
fn runs(effect: &Effect) -> Option<Runs> {
    match &effect.act {
        Act::Routine(routine) => Some(routine.runs),
        Act::LeavesSchema { runs, .. } => Some(*runs),
        _ => None,
    }
}

fn open<'s>(state: &'s State<'_>) -> impl Iterator<Item = Placed> + 's {
    state.known.iter().filter_map(Known::placed)
}

impl Known<'_> {
    fn placed(&self) -> Option<Placed> {
        if !self.is_open() {
            return None;
        }
        let (file, effect) = self.by;
        let function = self.written;
        let (severity, does) = match self.names {
            Names::Current => (
                SECURITY_DEFINER.severity,
                format!(
                    "gives SECURITY DEFINER function {function} the search_path of whoever runs the migration (FROM CURRENT)"
                ),
            ),
            Names::Callers if takes_away(effect) => (
                SECURITY_DEFINER.severity,
                format!("takes the search_path of SECURITY DEFINER function {function} away"),
            ),
            Names::Callers => (
                SECURITY_DEFINER.severity,
                format!(
                    "makes SECURITY DEFINER function {function} without a search_path of its own"
                ),
            ),
            Names::Schemas(schemas) => searched(function, schemas),
        };
        let about = About {
            kind: "function",
            schema: function.schema.clone(),
            name: function.name.clone(),
        };
        let draft = Draft::new(&SECURITY_DEFINER, about, does)
            .severity(severity)
            .expected("SET search_path in its definition, with pg_temp as its last schema")
            .remedy(
                "Add SET search_path = pg_catalog, pg_temp, and write names with their schema.",
            );
        Some(Placed::at(draft, effect, file))
    }
}

/// Whether a statement takes a function's own `search_path` away.
fn takes_away(effect: &Effect) -> bool {
    matches!(&effect.act, Act::Routine(routine) if matches!(
        &routine.change,
        Change::Altered { names: Some(Names::Callers), .. }
    ))
}

/// What is wrong with a `search_path` of a function with its owner's rights: `pg_temp` comes first where it is not written last, and
/// everybody may create there (PostgreSQL documentation, "Writing SECURITY DEFINER Functions Safely"). One that is fixed and only
/// leaves it out is common, and safe as long as the body writes its names with their schemas: that is no warning.
fn searched(function: &Path, schemas: &[String]) -> (Severity, String) {
    let severity = match schemas.iter().any(|schema| schema == TEMPORARY) {
        true => SECURITY_DEFINER.severity,
        false => Severity::Info,
    };
    let shown: Vec<String> = schemas.iter().map(|schema| ident(schema)).collect();
    let shown = match schemas.iter().all(String::is_empty) {
        true => "an empty search_path".to_owned(),
        false => format!("search_path {}", shown.join(", ")),
    };
    let does = format!(
        "gives SECURITY DEFINER function {function} {shown}, in which pg_temp is not last: it is searched first, and a caller's temporary table is found before every other"
    );
    (severity, does)
}
