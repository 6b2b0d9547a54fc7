//! The catalogue of rules. A rule is a constant and a pure function from facts to findings: it never queries and never prints.

mod access;
mod actor;
mod allow;
mod bleed;
mod classify;
mod compose;
mod drift;
mod enclosing;
mod files;
#[cfg(test)]
mod fixture;
mod identity;
mod index;
mod known;
mod link;
mod order;
mod run;
mod schema;
mod sets;
mod skeleton;
mod survey;
mod text;

use crate::compose::Deployment;
use crate::files::DirectoryFacts;
use crate::manifest::{Manifest, Service};
use crate::migration::{Set, SetFacts};
pub use crate::report::{About, Finding, Severity};
use crate::snapshot::{Diff, Fact, Gap, Lock, Proofs, Snapshot};
pub(crate) use allow::nearest;
pub use run::run;
use survey::{Place, Survey};

/// Which subjects a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Services with an SQL database.
    Database,
    /// Services whose database the manifest gives an address, whether or not a server is asked.
    Address,
    /// Services with a directory of files.
    Directory,
    /// Services with a migration set, whether or not a database is configured.
    Set,
    /// Services that have a container in the compose files.
    Container,
    /// Every service, where there are compose files.
    Compose,
    /// The manifest's allow-list, judged after all other rules by [`run`] itself.
    Manifest,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Stable id, `group/name`.
    pub id: &'static str,
    /// The severity of its findings where the topology does not change it.
    pub severity: Severity,
    /// What it asks, in one line.
    pub summary: &'static str,
    /// What it means, an example, why it matters, how to mend it: `dbctl rules ID`.
    pub help: &'static str,
    /// Which services it is about.
    pub scope: Scope,
    /// The question itself.
    pub check: fn(&Case<'_>) -> Verdict,
}

impl Rule {
    /// A finding of this rule, with its usual severity.
    fn finding(&self, about: About, message: impl Into<String>) -> Finding {
        Finding {
            rule: self.id,
            severity: self.severity,
            about,
            belongs_to: None,
            expected: String::new(),
            actual: String::new(),
            message: message.into(),
            remedy: String::new(),
            evidence: "catalog",
            location: None,
        }
    }
}

/// Findings, or the reason why the rule could not look. Both may be there: [`Outcome`].
pub type Verdict = Result<Outcome, Gap>;

/// What a rule saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What it could not look at although it looked at the rest.
    pub gaps: Vec<Gap>,
}

impl From<Vec<Finding>> for Outcome {
    fn from(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            gaps: Vec::new(),
        }
    }
}

/// What is known about one service of the system.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The service.
    pub service: &'a Service,
    /// Its migration set, if it has one.
    pub set: Option<&'a Set>,
    /// What the files of its set do, also of one that could not be loaded; `None` when it has no set.
    pub texts: Option<SetFacts>,
    /// Its schema lock, or why there is none.
    pub lock: Fact<Lock>,
    /// Its database, or why it could not be read. `None`: it has no database (single-user mode, file store).
    pub snapshot: Option<Fact<Snapshot>>,
    /// Its directories, or why they could not be read. `None`: none is configured.
    pub directories: Option<Fact<DirectoryFacts>>,
    /// What was tried around its database.
    pub proofs: Proofs,
}

/// The whole system, as a rule sees it.
#[derive(Debug)]
pub struct System<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// Every service of the manifest, chosen or not; those that were not chosen have no snapshot.
    pub subjects: Vec<Subject<'a>>,
    /// Whether databases were left alone on purpose: the run is about sets, files and deployment only.
    pub offline: bool,
    /// The compose files, if there are any.
    pub compose: Option<Deployment>,
}

/// What a rule is asked about: one service in its system.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The system.
    pub system: &'a System<'a>,
    /// The service.
    pub subject: &'a Subject<'a>,
    /// What all rules need to know about it: worked out once.
    survey: &'a Survey<'a>,
}

impl<'a> Case<'a> {
    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.subject.service.name
    }

    /// The service's snapshot, if the database that was reached is its own. Elsewhere a missing table is no drift and a
    /// foreign one no bleed: rules of group `identity` say so once.
    ///
    /// # Errors
    /// The gap, when its database could not be read or is another's.
    pub fn own(&self) -> Result<&'a Snapshot, Gap> {
        match self.survey.place()? {
            Place::Own | Place::NotMigrated => self.snapshot(),
            Place::WrongDatabase => Err(Gap::new(format!(
                "database {} was reached instead of {} (identity/wrong-database), so nothing in it was compared",
                text::ident(&self.snapshot()?.identity.database),
                text::ident(self.subject.service.database_name())
            ))),
            Place::ForeignSchema(other) => Err(Gap::new(format!(
                "database {} holds the schema of {} (identity/foreign-schema), so nothing in it was compared",
                text::ident(&self.snapshot()?.identity.database),
                other.service.name
            ))),
            Place::ForeignStamp(stamp) => Err(Gap::new(format!(
                "the stamp of database {} names service {} (identity/foreign-stamp), so nothing in it was compared",
                text::ident(&self.snapshot()?.identity.database),
                text::ident(&stamp.service)
            ))),
        }
    }

    /// The service's database against its lock.
    ///
    /// # Errors
    /// The gap, when there is no lock, or no database that it could be compared with.
    pub(crate) fn diff(&self) -> Result<&'a Diff<'a>, Gap> {
        self.own()?;
        self.survey.diff()
    }

    /// The service's snapshot.
    ///
    /// # Errors
    /// The gap, when its database could not be read.
    pub fn snapshot(&self) -> Result<&'a Snapshot, Gap> {
        self.subject
            .snapshot
            .as_ref()
            .map_or_else(|| Err(Gap::new("no database is configured")), Fact::get)
    }

    /// The service's schema lock.
    ///
    /// # Errors
    /// The gap, when there is none.
    pub fn lock(&self) -> Result<&'a Lock, Gap> {
        self.subject.lock.get()
    }

    /// The database that the service's URL names, where it is another one than its own and could not be read.
    #[must_use]
    pub(crate) fn elsewhere(&self) -> Option<&'a str> {
        let named = self.subject.service.endpoint()?.database.as_str();
        let is_other = named != self.subject.service.database_name();
        (is_other && self.snapshot().is_err()).then_some(named)
    }

    /// Whether the service's lock was made from other files than its set has now. `false` without a set or a lock.
    #[must_use]
    pub(crate) fn is_lock_stale(&self) -> bool {
        let both = self.subject.set.zip(self.subject.lock.known());
        both.is_some_and(|(set, lock)| !lock.is_current(&set.sum()))
    }

    /// The other services of the system.
    pub fn others(&self) -> impl Iterator<Item = &'a Subject<'a>> + use<'a> {
        let own = self.subject.service.name.as_str();
        self.system
            .subjects
            .iter()
            .filter(move |subject| subject.service.name != own)
    }
}

/// The catalogue: every rule there is, in the order in which reports list them.
pub const CATALOGUE: &[&[Rule]] = &[
    identity::RULES,
    drift::RULES,
    bleed::RULES,
    link::RULES,
    access::RULES,
    files::RULES,
    compose::RULES,
    sets::RULES,
    allow::RULES,
];

/// Every rule of the catalogue.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    CATALOGUE.iter().flat_map(|group| group.iter())
}

#[cfg(test)]
mod tests;
