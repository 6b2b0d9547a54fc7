//! What the next run does about a statement in which an earlier run was cut off, for a look before anything is changed.

use std::collections::BTreeMap;

use tokio_postgres::Error;

use super::super::session::Session;
use super::fate::{Outcome, outcome_of};
use super::lock::holder;
use super::progress::{self, sum};
use crate::migration::{Migration, analyse};

/// What the next run does about a statement that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// In words.
    pub says: String,
    /// Whether it does nothing before the operator's word.
    pub stops: bool,
}

/// What the next run does about statements that were begun, by version and by the statement's place in its file, counted from 0.
pub type Resumptions = BTreeMap<(i32, usize), Resumption>;

/// What the next run of these migrations does about the statements that were begun, in words.
///
/// # Errors
/// When a query fails.
pub async fn resumptions(
    session: &Session,
    pending: &[Migration],
    service: &str,
) -> Result<Resumptions, Error> {
    let mut found = BTreeMap::new();
    // What it has begun is not cut off as long as it lives.
    let runner = holder(session).await?;
    for entry in progress::read(session).await? {
        let mut migrations = pending.iter();
        let migration = migrations.find(|migration| migration.version == entry.version);
        let number = usize::try_from(entry.statement).unwrap_or(0).checked_sub(1);
        let (Some(migration), Some(number), false) = (migration, number, entry.done) else {
            continue;
        };
        let Some(analysis) = analyse(&migration.sql).into_iter().nth(number) else {
            continue;
        };
        // Of one that was edited the run is refused before.
        if sum(&analysis.text) != entry.sum {
            continue;
        }
        if let Some(runner) = &runner {
            let says = format!("another run is at work on it: {runner}");
            found.insert((entry.version, number), Resumption { says, stops: false });
            continue;
        }
        let fate = outcome_of(session, &analysis, &entry.indexes).await?;
        let stops = matches!(fate, Outcome::Unknown);
        let next = match fate {
            Outcome::Ran => "the catalog shows that it ran, and it is only written down".to_owned(),
            Outcome::NotRun => "it left nothing, and is run again".to_owned(),
            Outcome::CutOff { left, mend } => {
                format!("it left {left}; {} comes first", mend.join("; "))
            }
            Outcome::Unknown => {
                format!(
                    "the catalog does not tell whether it ran: the run stops here until dbctl repair --service {service} settles it"
                )
            }
        };
        let says = format!("an earlier run was cut off in it: {next}");
        found.insert((entry.version, number), Resumption { says, stops });
    }
    Ok(found)
}
