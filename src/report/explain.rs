//! A code or a rule, explained.

/// What stands behind a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What was asked about: an exit code, an SQLSTATE or a rule's id.
    pub topic: String,
    /// What kind of thing it is: `exit code`, `sqlstate` or `rule`.
    pub kind: &'static str,
    /// Its name in one line.
    pub title: String,
    /// What it means and what to do, in paragraphs.
    pub text: String,
}
