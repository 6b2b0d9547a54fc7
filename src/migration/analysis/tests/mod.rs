//! Tables of statements and what the analysis must say of them.

mod hazard;
mod hostile;
mod lock;
mod names;
mod place;

use super::{Analysis, analyse};

/// The analysis of a text that holds one statement.
fn one(sql: &str) -> Analysis {
    let mut found = analyse(sql);
    assert_eq!(found.len(), 1, "{sql}");
    found.remove(0)
}
