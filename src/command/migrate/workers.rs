//! Slots for TimescaleDB's background workers, shared out between the services of one run.

use std::collections::BTreeMap;

use crate::postgres::capacity::Workers;

/// A service that is about to be migrated, and the workers of its server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    /// The service.
    pub(super) service: &'a str,
    /// Its server, host and port as the endpoint names it.
    pub(super) server: &'a str,
    /// The workers; `None` where it needs none, or nothing is known.
    pub(super) workers: Option<Workers>,
}

/// For each claim, in its order, why there is no slot for it, if so. Each database needs one of its own.
pub(super) fn share(claims: &[Claim<'_>]) -> Vec<Option<String>> {
    let mut given: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    claims
        .iter()
        .map(|claim| {
            let workers = claim.workers.filter(|workers| !workers.own_scheduler)?;
            let before = given.entry(claim.server).or_default();
            let taken = i64::try_from(before.len()).unwrap_or(i64::MAX);
            if taken < workers.free() {
                before.push(claim.service);
                return None;
            }
            Some(sentence(workers, before))
        })
        .collect()
}

fn sentence(workers: Workers, before: &[&str]) -> String {
    let others = if before.is_empty() {
        String::new()
    } else {
        format!(", and {} of this run take what is left", before.join(", "))
    };
    format!(
        "the server has no background worker left for TimescaleDB, which needs one for each database: \
         timescaledb.max_background_workers is {} with {} running, max_worker_processes is {} with {} running{others}; \
         raise the setting that is used up and restart the server",
        workers.most, workers.running, workers.most_processes, workers.processes
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Claim, share};
    use crate::postgres::capacity::Workers;

    const TWO_FREE: Workers = Workers {
        own_scheduler: false,
        running: 1,
        most: 3,
        processes: 2,
        most_processes: 8,
    };

    fn claim(service: &'static str, workers: Option<Workers>) -> Claim<'static> {
        Claim {
            service,
            server: "db:5432",
            workers,
        }
    }

    #[test]
    fn services_of_one_server_need_a_slot_each() {
        let owner = Workers {
            own_scheduler: true,
            ..TWO_FREE
        };
        let claims = [
            claim("a", Some(TWO_FREE)),
            claim("plain", None),
            claim("has one", Some(owner)),
            claim("b", Some(TWO_FREE)),
            claim("c", Some(TWO_FREE)),
            Claim {
                server: "other:5432",
                ..claim("d", Some(TWO_FREE))
            },
        ];
        let reasons = share(&claims);
        let refused: Vec<bool> = reasons.iter().map(Option::is_some).collect();
        assert_eq!(refused, [false, false, false, false, true, false]);
        let reason = reasons.into_iter().flatten().next().unwrap();
        assert!(
            reason.contains("max_background_workers is 3 with 1 running"),
            "{reason}"
        );
        assert!(reason.contains("a, b of this run"), "{reason}");
    }
}
