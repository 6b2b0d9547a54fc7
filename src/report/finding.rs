//! One thing that is wrong, as rules say it and renderers show it.

use std::fmt;

use crate::snapshot::{Kind, Object, ObjectKey};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be mended; nothing bleeds yet.
    Warning,
    /// Something bleeds, or the schema is not what the service needs.
    Error,
}

impl Severity {
    /// The name in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The object a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// One lower-case word.
    pub kind: &'static str,
    /// Its schema, if it has one.
    pub schema: Option<String>,
    /// The plain name; for a column `table.column`.
    pub name: String,
}

impl About {
    /// Something without a schema: a database, a role, a directory.
    pub fn plain(kind: &'static str, name: impl Into<String>) -> Self {
        Self {
            kind,
            schema: None,
            name: name.into(),
        }
    }

    /// A catalog object.
    #[must_use]
    pub fn object(object: &Object) -> Self {
        Self::key(&object.key)
    }

    /// The catalog object of this key.
    #[must_use]
    pub fn key(key: &ObjectKey) -> Self {
        Self {
            kind: key.kind.as_str(),
            schema: (!key.schema.is_empty()).then(|| key.schema.clone()),
            name: match key.kind {
                Kind::Column => format!("{}.{}", key.parent, key.name),
                // A hypertable is named as its table is.
                Kind::Hypertable if !key.parent.is_empty() => key.parent.clone(),
                _ => key.name.clone(),
            },
        }
    }

    /// The name as people write it in an allow entry: with its schema, if it has one.
    #[must_use]
    pub fn qualified(&self) -> String {
        self.schema.as_ref().map_or_else(
            || self.name.clone(),
            |schema| format!("{schema}.{}", self.name),
        )
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, as the manifest leads to it.
    pub file: String,
    /// The line, counted from 1, where one line is to blame.
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    pub column: Option<usize>,
}

/// As compilers write it: `FILE:LINE:COLUMN`, as far as it is known.
impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        [self.line, self.column]
            .iter()
            .map_while(|number| *number)
            .try_for_each(|number| write!(out, ":{number}"))
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is here.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// The service whose object it is, if it is another's.
    pub belongs_to: Option<String>,
    /// What should be.
    pub expected: String,
    /// What is.
    pub actual: String,
    /// One sentence that names every object and role involved.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// Where it was seen: `catalog`, `history`, `identity`, `file`, `manifest`.
    pub evidence: &'static str,
    /// The place in a file, if it is about one.
    pub location: Option<Box<Location>>,
}

impl Finding {
    /// The same finding with another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same finding, naming the service whose object it is.
    #[must_use]
    pub fn belongs_to(mut self, service: impl Into<String>) -> Self {
        self.belongs_to = Some(service.into());
        self
    }

    /// The same finding, saying what should be and what is.
    #[must_use]
    pub fn saw(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        self.expected = expected.into();
        self.actual = actual.into();
        self
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// The same finding, with its place in a file.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(Box::new(location));
        self
    }

    /// The same finding, saying where it was seen.
    #[must_use]
    pub fn evidence(mut self, evidence: &'static str) -> Self {
        self.evidence = evidence;
        self
    }
}
