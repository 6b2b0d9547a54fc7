//! The catalogue of rules as a reader sees it.

use super::Severity;

/// One rule of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLine {
    /// Its id.
    pub id: &'static str,
    /// The usual severity of its findings.
    pub severity: Severity,
    /// What it asks, in one line.
    pub summary: &'static str,
    /// Its page.
    pub help: &'static str,
}
