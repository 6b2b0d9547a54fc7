//! What a server has left: connections, and slots for TimescaleDB's background workers.

use tokio_postgres::types::Type;

use super::Session;

/// What a server has left, as far as the session may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// When the server was started: the same for all sessions of one server.
    pub started: String,
    /// Whether the session sees everybody's sessions (`pg_read_all_stats`).
    pub sees_all: bool,
    /// Connections; `None` where the session does not see everybody's.
    pub connections: Option<Connections>,
    /// TimescaleDB's background workers; `None` where its library is not loaded, or its workers are switched off.
    pub workers: Option<Workers>,
}

/// The connections of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// `max_connections`.
    pub most: i64,
    /// Those that the role may not use.
    pub reserved: i64,
    /// Those in use, dbctl's own left out.
    pub used: i64,
}

impl Connections {
    /// How many the role may still open.
    #[must_use]
    pub const fn free(self) -> i64 {
        self.most - self.reserved - self.used
    }
}

/// TimescaleDB's background workers. Each database with the extension needs a scheduler (TimescaleDB documentation, "Background
/// workers"), and the launcher counts as one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Whether this database has its scheduler already.
    pub own_scheduler: bool,
    /// The launcher and the schedulers of all databases.
    pub running: i64,
    /// `timescaledb.max_background_workers`.
    pub most: i64,
    /// Workers of the server that stay, TimescaleDB's among them.
    pub processes: i64,
    /// `max_worker_processes`.
    pub most_processes: i64,
}

impl Workers {
    /// How many more schedulers the server can start.
    #[must_use]
    pub fn free(self) -> i64 {
        (self.most - self.running)
            .min(self.most_processes - self.processes)
            .max(0)
    }
}

/// Reads what the server has left for this role.
///
/// # Errors
/// When the query fails.
pub async fn capacity(session: &Session, role: &str) -> Result<Capacity, tokio_postgres::Error> {
    session.begin_reading().await?;
    // Of other roles' sessions a plain role sees the name and not the type; a worker's name is its type.
    let row = session
        .client
        .query_typed_one(
            "WITH activity AS (SELECT datname, application_name, coalesce(backend_type, application_name) AS type FROM pg_stat_activity), \
             workers AS (SELECT *, type LIKE 'TimescaleDB%Scheduler' AS scheduler FROM activity \
              WHERE type LIKE 'TimescaleDB%Scheduler' OR type LIKE 'TimescaleDB%Launcher' OR type LIKE 'logical replication%') \
             SELECT pg_postmaster_start_time()::text, pg_has_role('pg_read_all_stats', 'USAGE'), \
             current_setting('max_connections')::int8, \
             CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolsuper) THEN 0 \
              ELSE current_setting('superuser_reserved_connections')::int8 \
              + coalesce(current_setting('reserved_connections', true)::int8, 0) END, \
             (SELECT count(*) FROM activity WHERE type = 'client backend' AND application_name NOT LIKE 'dbctl migrate %'), \
             current_setting('timescaledb.max_background_workers', true)::int8, \
             (SELECT count(*) FROM workers WHERE type LIKE 'TimescaleDB%'), \
             current_setting('max_worker_processes')::int8, \
             (SELECT count(*) FROM workers), \
             EXISTS (SELECT FROM workers WHERE scheduler AND datname = current_database())",
            &[(&role, Type::TEXT)],
        )
        .await?;
    let sees_all = row.try_get(1)?;
    let connections = Connections {
        most: row.try_get(2)?,
        reserved: row.try_get(3)?,
        used: row.try_get(4)?,
    };
    // 0 switches the workers off: then nobody waits for one.
    let most = row.try_get::<_, Option<i64>>(5)?.filter(|most| *most > 0);
    let (running, most_processes, processes, own_scheduler) = (
        row.try_get(6)?,
        row.try_get(7)?,
        row.try_get(8)?,
        row.try_get(9)?,
    );
    Ok(Capacity {
        started: row.try_get(0)?,
        sees_all,
        connections: Some(connections).filter(|_| sees_all),
        workers: most.map(|most| Workers {
            own_scheduler,
            running,
            most,
            processes,
            most_processes,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::{Connections, Workers};

    #[test]
    fn the_scarcer_of_two_limits_counts() {
        let workers = Workers {
            own_scheduler: false,
            running: 3,
            most: 16,
            processes: 4,
            most_processes: 8,
        };
        assert_eq!(workers.free(), 4);
        assert_eq!(Workers { most: 4, ..workers }.free(), 1);
        assert_eq!(Workers { most: 2, ..workers }.free(), 0);
    }

    #[test]
    fn reserved_connections_are_not_free() {
        let connections = Connections {
            most: 100,
            reserved: 3,
            used: 96,
        };
        assert_eq!(connections.free(), 1);
    }
}
