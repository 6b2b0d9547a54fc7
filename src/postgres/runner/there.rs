//! What a pending migration would create and somebody has: its run is certain to fail.

use tokio_postgres::Error;

use super::super::inspect;
use super::super::session::Session;
use super::failure::place;
use super::progress::Entry;
use crate::migration::tokens::mentions;
use crate::migration::{Analysis, Migration, Name, analyse, creations};

/// What stands where a pending migration would create something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// The migration's version.
    pub version: i32,
    /// File, line and statement.
    place: String,
    /// The relation.
    name: Name,
}

impl There {
    /// File, line, statement and what the server would say of it.
    #[must_use]
    pub fn fact(&self) -> String {
        format!(
            "{}: relation {} already exists (SQLSTATE 42P07)",
            self.place, self.name
        )
    }
}

/// Why the run of these migrations is certain to fail, if it is: those before must not be applied, perhaps for the second time, only for
/// the run to fail then.
///
/// # Errors
/// When a query fails.
pub async fn there_already(
    session: &Session,
    pending: &[Migration],
) -> Result<Option<There>, Error> {
    let creations = creations(pending);
    // Where somebody has written functions, no statement is certain to leave a relation where it is.
    if creations.is_empty() || inspect::has_code(session).await? {
        return Ok(None);
    }
    let names: Vec<Name> = creations.iter().map(|one| one.name.clone()).collect();
    let missing = inspect::missing(session, &names).await?;
    let there = creations.iter().find(|one| !missing.contains(&one.name));
    Ok(there.map(|one| There {
        version: one.migration.version,
        place: place(one.migration, one.number, None),
        name: one.name.clone(),
    }))
}

/// What the next statements of one migration meet, as far as their text tells. `entries` say which of them ran; where one was begun, what
/// became of it is settled before the next runs.
///
/// # Errors
/// When a query fails.
pub(super) async fn meets(
    session: &Session,
    migration: &Migration,
    entries: &[Entry],
) -> Result<Option<There>, Error> {
    for (number, analysis) in analyse(&migration.sql).iter().enumerate() {
        let is_this = |entry: &&Entry| {
            entry.version == migration.version && usize::try_from(entry.statement) == Ok(number + 1)
        };
        match entries.iter().find(is_this) {
            Some(entry) if entry.done => continue,
            Some(_) => return Ok(None),
            None => {}
        }
        if makes_room(&analysis.text) {
            return Ok(None);
        }
        if analysis.creates.is_empty() || is_lenient(analysis) {
            continue;
        }
        let missing = inspect::missing(session, &analysis.creates).await?;
        if let Some(name) = analysis.creates.iter().find(|one| !missing.contains(one)) {
            return Ok(Some(There {
                version: migration.version,
                place: place(migration, number, None),
                name: name.clone(),
            }));
        }
    }
    Ok(None)
}

/// Whether a statement may take something away, or give it another name or place; words within a block count.
fn makes_room(text: &str) -> bool {
    let text = text.to_lowercase();
    let words = ["drop", "rename", "set schema", "detach", "search_path"];
    words.iter().any(|word| text.contains(word))
}

/// Whether a statement that creates something accepts what is there.
fn is_lenient(analysis: &Analysis) -> bool {
    let text = analysis.text.to_lowercase();
    ["exists", "replace", "temp", "temporary"]
        .iter()
        .any(|word| mentions(&text, word))
}
