//! What reaches out of the database, or holds it, beside its objects.

use serde_json::{Map, Value};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::guarded::role;
use super::{Readers, denied};
use crate::snapshot::{
    Fact, Gap, Job, Links, Note, NotePlace, Prepared, Scheduler, Setting, Slot, noted,
};

/// What one session may read of it.
struct Probe {
    jobs_schema: Option<String>,
    jobs_readable: bool,
    cron_exists: bool,
    cron_readable: bool,
    cron_elsewhere: Option<String>,
    file_function: bool,
    file_view: bool,
}

impl Probe {
    async fn read(client: &Client) -> Result<Self, Error> {
        let row = client
            .query_typed_one(include_str!("sql/links_probe.sql"), &[])
            .await?;
        Ok(Self {
            jobs_schema: row.try_get("jobs_schema")?,
            jobs_readable: row.try_get("jobs_readable")?,
            cron_exists: row.try_get("cron_exists")?,
            cron_readable: row.try_get("cron_readable")?,
            cron_elsewhere: row.try_get("cron_elsewhere")?,
            file_function: row.try_get("file_function")?,
            file_view: row.try_get("file_view")?,
        })
    }
}

/// Reads it.
pub(super) async fn read(readers: &Readers<'_>) -> Result<Links, Error> {
    let own = readers.own.client;
    let admin = readers.admin.as_ref().map(|admin| admin.client);
    let probe = Probe::read(own).await?;
    let admins = match admin {
        Some(admin) => Some((admin, Probe::read(admin).await?)),
        None => None,
    };
    let sessions: Vec<(&Client, &Probe)> = std::iter::once((own, &probe))
        .chain(admins.as_ref().map(|(admin, probe)| (*admin, probe)))
        .collect();
    // Sent at once: one round trip.
    let (slots, origins, prepared, notes, jobs, settings) = futures::try_join!(
        own.query_typed(include_str!("sql/slots.sql"), &[]),
        own.query_typed(include_str!("sql/origins.sql"), &[]),
        own.query_typed(include_str!("sql/prepared.sql"), &[]),
        own.query_typed(include_str!("sql/notes.sql"), &[]),
        jobs(readers, &sessions),
        settings(readers, &sessions),
    )?;
    Ok(Links {
        slots: each(&slots, |row| {
            Ok(Slot {
                name: row.try_get("name")?,
                plugin: row.try_get("plugin")?,
                active: row.try_get("active")?,
            })
        })?,
        origins: each(&origins, |row| row.try_get("name"))?,
        prepared: each(&prepared, |row| {
            Ok(Prepared {
                gid: row.try_get("gid")?,
                owner: row.try_get("owner")?,
                since: row.try_get("since")?,
            })
        })?,
        notes: each(&notes, note)?,
        jobs,
        settings,
        cron_elsewhere: probe.cron_elsewhere,
    })
}

fn each<T>(rows: &[Row], one: impl Fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    rows.iter().map(one).collect()
}

/// A text with connection strings: the text itself is not kept, for it may hold passwords.
fn note(row: &Row) -> Result<Note, Error> {
    Ok(Note {
        place: row
            .try_get::<_, Option<String>>("setting")?
            .map_or(NotePlace::Comment, NotePlace::Setting),
        kind: row.try_get("kind")?,
        schema: row.try_get("schema")?,
        name: row.try_get("name")?,
        described: row.try_get("described")?,
        statement: row.try_get("statement")?,
        dsns: noted(row.try_get("text")?),
    })
}

async fn jobs(
    readers: &Readers<'_>,
    sessions: &[(&Client, &Probe)],
) -> Result<Fact<Vec<Job>>, Error> {
    let database = &readers.own.session.database;
    let mut jobs = Vec::new();
    if let Some(schema) = sessions
        .first()
        .and_then(|(_, probe)| probe.jobs_schema.as_deref())
    {
        let Some((client, _)) = sessions.iter().find(|(_, probe)| probe.jobs_readable) else {
            return Ok(denied(
                "permission denied for table bgw_job",
                &format!("GRANT SELECT ON {schema}.bgw_job TO {}", role(readers)),
            ));
        };
        // The schema is one of two that the probe knows.
        let sql = include_str!("sql/jobs.sql").replace("{schema}", schema);
        for row in client.query_typed(&sql, &[]).await? {
            jobs.push(Job {
                scheduler: Scheduler::TimescaleDb,
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                owner: row.try_get("owner")?,
                action: row.try_get("action")?,
                hypertable: row.try_get("hypertable")?,
                database: database.clone(),
                host: None,
                active: row.try_get("active")?,
            });
        }
    }
    if sessions.first().is_some_and(|(_, probe)| probe.cron_exists) {
        let Some((client, _)) = sessions.iter().find(|(_, probe)| probe.cron_readable) else {
            return Ok(Fact::Unknown(Gap {
                reason: "row security hides the jobs of pg_cron (cron.job) from this role"
                    .to_owned(),
                remedy: Some("set admin_url".to_owned()),
            }));
        };
        jobs.extend(cron_jobs(client, database).await?);
    }
    Ok(Fact::Known(jobs))
}

/// The jobs of pg_cron that run in this database.
async fn cron_jobs(client: &Client, database: &str) -> Result<Vec<Job>, Error> {
    let rows = client
        .query_typed(include_str!("sql/cron.sql"), &[(&database, Type::TEXT)])
        .await?;
    let mut jobs = Vec::new();
    for row in &rows {
        // `to_jsonb` of a row is an object.
        let entry: Map<String, Value> =
            serde_json::from_str(row.try_get("entry")?).unwrap_or_default();
        let text = |key: &str| {
            entry
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        jobs.push(Job {
            scheduler: Scheduler::Cron,
            id: entry
                .get("jobid")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            name: text("jobname"),
            owner: text("username"),
            action: text("command"),
            hypertable: None,
            database: text("database"),
            host: Some(text("nodename")).filter(|host| !host.is_empty() && host != "localhost"),
            active: entry.get("active").and_then(Value::as_bool).unwrap_or(true),
        });
    }
    Ok(jobs)
}

/// The jobs of pg_cron that run in `database`, read in the database where pg_cron keeps them.
///
/// # Errors
/// When a query fails.
pub async fn cron_jobs_elsewhere(client: &Client, database: &str) -> Result<Fact<Vec<Job>>, Error> {
    let probe = Probe::read(client).await?;
    if !probe.cron_exists {
        return Ok(Fact::Known(Vec::new()));
    }
    if !probe.cron_readable {
        return Ok(Fact::Unknown(Gap::new(
            "the jobs of pg_cron (cron.job) are hidden from the role of admin_url",
        )));
    }
    Ok(Fact::Known(cron_jobs(client, database).await?))
}

async fn settings(
    readers: &Readers<'_>,
    sessions: &[(&Client, &Probe)],
) -> Result<Fact<Vec<Setting>>, Error> {
    let Some((client, _)) = sessions
        .iter()
        .find(|(_, probe)| probe.file_function && probe.file_view)
    else {
        return Ok(denied(
            "permission denied for view pg_file_settings",
            &format!(
                "GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO {0}; GRANT SELECT ON pg_catalog.pg_file_settings TO {0}",
                role(readers)
            ),
        ));
    };
    let rows = client
        .query_typed(include_str!("sql/server_settings.sql"), &[])
        .await?;
    Ok(Fact::Known(each(&rows, |row| {
        Ok(Setting {
            name: row.try_get("name")?,
            value: row.try_get("value")?,
            pending: row.try_get("pending")?,
        })
    })?))
}
