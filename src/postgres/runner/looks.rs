//! What every transaction of a run looks at before its COMMIT. The server plans these queries longer than it runs them, so a run of
//! several migrations prepares them.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::Error;

use super::super::session::Session;
use super::books;
use super::footprint::Foreign;
use super::leftovers::ANY_LEFTOVER;

/// The prepared queries of a session, and whether they can be believed to be there.
#[derive(Default)]
pub(super) struct Looks {
    prepared: Option<Prepared>,
    lost: AtomicBool,
}

struct Prepared {
    /// What their names begin with; nobody else's do.
    name: String,
    /// dbctl's own tables when they were prepared.
    books: Vec<u32>,
}

impl Looks {
    /// Prepares the queries in this session, unless they are there as they must be. dbctl's own tables must exist.
    pub(super) async fn prepare(
        &mut self,
        session: &Session,
        foreign: &Foreign,
    ) -> Result<(), Error> {
        let current = |prepared: &Prepared| prepared.books == foreign.books();
        if self.lost.load(Ordering::Relaxed) || self.prepared.as_ref().is_some_and(current) {
            return Ok(());
        }
        let name = format!("dbctl_{:032x}", rand::random::<u128>());
        let queries = [
            ("touched", foreign.touched_sql()),
            ("leftover", ANY_LEFTOVER.to_owned()),
            ("history", books::HISTORY.to_owned()),
            ("keeps (int)", books::keeps("$1")),
        ];
        let sql: Vec<String> = queries
            .iter()
            .map(|(what, query)| format!("PREPARE {name}_{what} AS {query}"))
            .collect();
        session.client.batch_execute(&sql.join(";")).await?;
        self.prepared = Some(Prepared {
            name,
            books: foreign.books().to_vec(),
        });
        Ok(())
    }

    /// Whether the queries are sent as prepared ones.
    pub(super) fn are_prepared(&self) -> bool {
        self.prepared.is_some() && !self.lost.load(Ordering::Relaxed)
    }

    /// A migration has thrown them away (DEALLOCATE): from now on they are sent as they are.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Which relations were touched, and whether the runners' lock is held. `prepared`: whether the session is the one of
    /// [`Looks::prepare`].
    pub(super) fn touched(&self, prepared: bool, foreign: &Foreign) -> String {
        self.execute(prepared, "touched")
            .unwrap_or_else(|| foreign.touched_sql())
    }

    /// Whether any index or constraint is not valid.
    pub(super) fn leftover(&self, prepared: bool) -> String {
        self.execute(prepared, "leftover")
            .unwrap_or_else(|| ANY_LEFTOVER.to_owned())
    }

    /// What the history holds.
    pub(super) fn history(&self, prepared: bool) -> String {
        self.execute(prepared, "history")
            .unwrap_or_else(|| books::HISTORY.to_owned())
    }

    /// Whether the history holds this version.
    pub(super) fn keeps(&self, prepared: bool, version: i32) -> String {
        self.execute(prepared, &format!("keeps ({version})"))
            .unwrap_or_else(|| books::keeps(&version.to_string()))
    }

    fn execute(&self, prepared: bool, what: &str) -> Option<String> {
        let usable = prepared && self.are_prepared();
        let prepared = self.prepared.as_ref().filter(|_| usable)?;
        Some(format!("EXECUTE {}_{what}", prepared.name))
    }
}
