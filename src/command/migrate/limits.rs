//! How many services are worked on at once: in the whole run, and on each server.

use std::collections::BTreeMap;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The two limits of a run.
pub(super) struct Limits {
    jobs: Semaphore,
    servers: BTreeMap<String, Semaphore>,
}

impl Limits {
    /// So many jobs in all, and so many on each of these servers.
    pub(super) fn new(
        jobs: usize,
        per_server: usize,
        servers: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            jobs: Semaphore::new(jobs.clamp(1, Semaphore::MAX_PERMITS)),
            servers: servers
                .into_iter()
                .map(|server| {
                    let permits = per_server.clamp(1, Semaphore::MAX_PERMITS);
                    (server, Semaphore::new(permits))
                })
                .collect(),
        }
    }

    /// Waits for a turn, first come, first served. The server's is waited for first: a crowded server holds no place that another
    /// could use. The turn ends when the permits are dropped.
    pub(super) async fn turn(&self, server: &str) -> [Option<SemaphorePermit<'_>>; 2] {
        let on_server = match self.servers.get(server) {
            // Acquiring fails on a closed semaphore only, and nobody closes these.
            Some(semaphore) => semaphore.acquire().await.ok(),
            None => None,
        };
        [on_server, self.jobs.acquire().await.ok()]
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::Limits;

    #[test]
    fn a_crowded_server_does_not_hold_up_another() {
        let limits = Limits::new(3, 2, ["a".to_owned(), "b".to_owned()]);
        let first = limits.turn("a").now_or_never();
        let second = limits.turn("a").now_or_never();
        assert!(first.is_some() && second.is_some());
        assert!(limits.turn("a").now_or_never().is_none(), "two on a server");
        let third = limits.turn("b").now_or_never();
        assert!(third.is_some());
        assert!(limits.turn("b").now_or_never().is_none(), "three in all");
        drop(first);
        assert!(limits.turn("a").now_or_never().is_some());
    }
}
