//! Goes through a service's files and asks what each effect means, then takes out what the files themselves allow.

use std::collections::HashSet;

use super::owners::{Owners, Service};
use super::{
    copies, definer, elsewhere, engines, extensions, fails, inline, keys, objects, privileges,
    readable,
};
use crate::migration::FileFacts;
use crate::migration::effects::{Act, Effect, Position};
use crate::report::verify::Allowed;
use crate::report::{About, Finding, Location, Severity};
use crate::rules::{Rule, Subject};
use crate::snapshot::Gap;

/// What the rules of the group say about one service.
#[derive(Debug, Default)]
pub(in crate::rules) struct Judged {
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    /// What could not be looked at, by rule.
    pub(super) gaps: Vec<(&'static str, Gap)>,
    /// What the files allow themselves.
    pub(in crate::rules) accepted: Vec<Allowed>,
}

/// A file with whose it is.
#[derive(Clone, Copy)]
pub(super) struct Context<'j, 'a> {
    pub(super) owners: &'j Owners<'a>,
    /// The service's index among the owners.
    pub(super) index: usize,
    pub(super) own: &'j Service<'a>,
    pub(super) file: &'a FileFacts,
}

/// Something wrong in a file.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    pub(super) about: About,
    pub(super) belongs_to: Option<String>,
    pub(super) expected: String,
    /// What is done, as the end of a sentence that the statement begins: `changes table blocks …`.
    pub(super) does: String,
    pub(super) remedy: String,
}

/// A draft with its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) draft: Draft,
    pub(super) place: Position,
    /// The statement's index; none where no statement is to blame.
    pub(super) statement: Option<usize>,
    /// The code within the statement that does it.
    pub(super) within: Option<&'static str>,
    /// The index of the file.
    pub(super) file: usize,
}

impl Placed {
    /// A draft about an effect of this file.
    pub(super) fn at(draft: Draft, effect: &Effect, file: usize) -> Self {
        Self {
            draft,
            place: effect.place,
            statement: Some(effect.statement),
            within: effect.within,
            file,
        }
    }
}

impl Draft {
    /// A draft of a rule, with its usual severity.
    pub(super) fn new(rule: &Rule, about: About, does: impl Into<String>) -> Self {
        Self {
            rule: rule.id,
            severity: rule.severity,
            about,
            belongs_to: None,
            expected: String::new(),
            does: does.into(),
            remedy: String::new(),
        }
    }

    pub(super) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(super) fn belongs_to(mut self, service: &str) -> Self {
        self.belongs_to = Some(service.to_owned());
        self
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

/// What the rules of the group say about a service; none when it has no set.
pub(in crate::rules) fn judge<'a>(
    owners: &Owners<'a>,
    subject: &'a Subject<'a>,
    offline: bool,
) -> Option<Judged> {
    let texts = subject.texts.as_ref()?;
    let (index, own) = owners.find(&subject.service.name)?;
    let mut judged = Judged::default();
    let mut placed = Vec::new();
    let mut gaps = Vec::new();
    for (number, file) in texts.files.iter().enumerate() {
        let context = Context {
            owners,
            index,
            own,
            file,
        };
        let mut of_file = effects(&context, number);
        copies::fold_copy(&context, number, &mut of_file);
        // A database that is there has been through it.
        if offline {
            let unsafe_ddl = keys::unsafe_ddl(&context, number);
            of_file.extend(objects::on_own_tables(&context, unsafe_ddl, &of_file));
            of_file.extend(fails::unguarded(&context, number));
            of_file.extend(fails::lost_schemas(&context, number, &texts.files));
        }
        of_file.extend(readable::refused(&context, number, &of_file));
        of_file.extend(readable::misspelt(&context, number, &of_file));
        gaps.extend(readable::unread(&context, number, &of_file));
        gaps.extend(copies::undecided(&context, number));
        placed.extend(of_file);
    }
    placed.extend(keys::partition_keys(&texts.files));
    placed.extend(definer::open_definers(&texts.files));
    if offline {
        placed.extend(keys::concurrent_indexes(&texts.files));
        placed.extend(fails::new_values(&texts.files));
    }
    inline::apply(&texts.files, placed, gaps, offline, &mut judged);
    judged.findings.extend(readable::of_set(subject, texts));
    if offline {
        let beside = texts.beside.iter().map(|reason| Gap {
            reason: reason.clone(),
            remedy: Some(readable::BESIDE.to_owned()),
        });
        judged
            .gaps
            .extend(beside.map(|gap| (readable::UNREADABLE.id, gap)));
    }
    for other in owners.unknown(index) {
        let gap = Gap::new(format!(
            "what belongs to {} is not known: neither its set nor its lock could be read",
            other.name()
        ));
        judged.gaps.push((objects::FOREIGN_OBJECT.id, gap));
    }
    Some(judged)
}

/// What the effects of a file mean.
fn effects(context: &Context<'_, '_>, number: usize) -> Vec<Placed> {
    let effects = &context.file.effects.effects;
    let mut seen: HashSet<(&'static str, Option<usize>, Cause)> = HashSet::new();
    let mut found = Vec::new();
    for effect in effects {
        let Some(draft) = draft(context, effect) else {
            continue;
        };
        // A server and a schema are one cause in the whole file, everything else in a statement.
        let whole = matches!(draft.about.kind, "server" | "schema");
        let statement = (!whole).then_some(effect.statement);
        let about = (draft.about.kind, draft.about.name.clone());
        if seen.insert((draft.rule, statement, about)) {
            found.push(Placed::at(draft, effect, number));
        }
    }
    objects::once(&mut found);
    found
}

/// Kind and name.
type Cause = (&'static str, String);

fn draft(context: &Context<'_, '_>, effect: &Effect) -> Option<Draft> {
    match &effect.act {
        Act::Names {
            class,
            access,
            path,
            temporary,
        } => {
            if *temporary || path.is_temporary() {
                return None;
            }
            objects::named(context, *class, *access, path)
        }
        Act::Dialect { system, mark } => Some(engines::dialect(system, mark)),
        Act::Grants { .. } | Act::Joins { .. } | Act::Owned { .. } | Act::Role { .. } => {
            privileges::role_act(context, &effect.act)
        }
        Act::Attaches { extension } => Some(extensions::attached(extension)),
        Act::Drops { extension } => extensions::dropped(context, extension),
        act => elsewhere::act(context, act),
    }
}

impl Placed {
    /// The finding.
    pub(super) fn finding(mut self, files: &[FileFacts]) -> Finding {
        let file = files.get(self.file);
        let statement = file
            .zip(self.statement)
            .and_then(|(file, statement)| file.effects.statements.get(statement));
        if let Some(said) = statement {
            self.draft.does = said.without_secrets(&self.draft.does);
            self.draft.about.name = said.without_secrets(&self.draft.about.name);
        }
        let (name, path) = file.map_or(("", ""), |file| (file.file.as_str(), file.path.as_str()));
        let excerpt = statement
            .map(|said| said.excerpt.as_str())
            .unwrap_or_default();
        let within = self
            .within
            .map_or_else(String::new, |within| format!(" in {within}"));
        let line = self.place.line;
        let said = match excerpt {
            "" => self.draft.does.clone(),
            excerpt => format!("{excerpt:?} {}{within}", self.draft.does),
        };
        Finding {
            rule: self.draft.rule,
            severity: self.draft.severity,
            about: self.draft.about,
            belongs_to: self.draft.belongs_to,
            expected: self.draft.expected,
            actual: if excerpt.is_empty() {
                self.draft.does
            } else {
                excerpt.to_owned()
            },
            message: format!("{name}:{line}: {said}"),
            remedy: self.draft.remedy,
            evidence: "file",
            location: Some(Box::new(Location {
                file: path.to_owned(),
                line: Some(line),
                column: Some(self.place.column),
            })),
        }
    }
}
