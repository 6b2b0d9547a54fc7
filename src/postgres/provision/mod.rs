//! Roles, databases and privileges of one service, made by an administrator's session. Idempotent: each step looks first. With a session
//! that is only to read each step says what it would do.

mod attended;
mod books;
mod database;
mod grants;
mod role;

use postgres_protocol::escape::escape_identifier as identifier;
use tokio::sync::watch;
use tokio_postgres::error::SqlState;

use super::connect::connect;
use super::error::{ConnectError, Reason, describe};
use super::inspect::is_lock_conflict;
use super::runner::{Event, raised};
use super::session::{Purpose, Session};
use super::snapshot::same_database;
use super::standby;
use crate::manifest::Endpoint;
use crate::secret::Secret;
use attended::Attended;
use books::books;
use database::{database, foreign};
use grants::{database_privileges, schema_privileges, unmade_privileges};
use role::role;

/// The key of the advisory lock that provisioners of one server take: the text "provide" as a number. Migrations have another.
const LOCK_KEY: i64 = 0x70_72_6f_76_69_64_65;

/// What a service needs of its server.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The service: what the stamp of its database must say, if there is one.
    pub service: String,
    /// The service's role.
    pub role: String,
    /// Its password; `None` leaves the role's password as it is.
    pub password: Option<Secret>,
    /// The variable that would give it, where the manifest names one and it is not set.
    pub password_variable: Option<String>,
    /// Its database.
    pub database: String,
    /// The roles of the other services: they must have no right here.
    pub other_roles: Vec<String>,
    /// Whether TimescaleDB is needed, so that its absence is told now and not by the first migration.
    pub timescaledb: bool,
}

impl Wanted {
    /// The variable to be set before there is a password to give.
    fn unset_password(&self) -> Option<&str> {
        self.password_variable
            .as_deref()
            .filter(|_| self.password.is_none())
    }
}

/// One thing that provisioning looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is about, as in `role k_social_user`.
    pub what: String,
    /// What was done, or that it was already so.
    pub done: String,
    /// Whether anything was changed.
    pub changed: bool,
    /// Whether it is not as it should be and dbctl left it so.
    pub warning: bool,
}

impl Step {
    fn new(what: impl Into<String>, done: impl Into<String>, changed: bool) -> Self {
        Self {
            what: what.into(),
            done: done.into(),
            changed,
            warning: false,
        }
    }
}

/// Why provisioning stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvisionError {
    /// The server cannot be reached or does not let dbctl in.
    #[error("{0}")]
    Unreachable(String),
    /// What is there belongs to somebody else.
    #[error("{0}")]
    Refused(String),
    /// Another provisioner is at work and does not end, or somebody holds what is to be changed.
    #[error("{0}")]
    Locked(String),
    /// Somebody holds a lock, and who that is was not yet asked.
    #[error("{0}")]
    Blocked(String),
    /// The server ended a step early, because it was told to.
    #[error("{text}")]
    Cancelled {
        /// What the step is about.
        what: String,
        /// That, and what the server said.
        text: String,
    },
    /// The run was interrupted.
    #[error("{0}")]
    Interrupted(String),
    /// The server refused a step.
    #[error("{0}")]
    Failed(String),
    /// Somebody else made the same thing at the same moment.
    #[error("{0}")]
    Raced(String),
}

/// Makes the role, the database and its privileges what the service needs; with [`Purpose::Read`] the steps are those that would be done,
/// and nothing is changed.
///
/// # Errors
/// See [`ProvisionError`]. The steps done before it stay done; running it again continues. An interrupt cancels the step that is under
/// way.
pub async fn provision(
    admin: &Endpoint,
    wanted: &Wanted,
    purpose: Purpose,
    interrupt: &watch::Receiver<bool>,
    observer: &(dyn Fn(Event) + Sync),
) -> (Vec<Step>, Result<(), ProvisionError>) {
    let mut steps = Vec::new();
    let run = Attended {
        admin,
        interrupt,
        observer,
    };
    let result = all_steps(run, wanted, purpose, &mut steps).await;
    let result = match result {
        Err(ProvisionError::Interrupted(how)) => {
            let state = match steps.iter().any(|step| step.changed) {
                true => "what the steps name is done",
                false => "nothing was changed",
            };
            Err(ProvisionError::Interrupted(format!(
                "{how}; {state}: dbctl provision, run again, goes on from there"
            )))
        }
        result => result,
    };
    (steps, result)
}

/// Proves that the service's own way leads into the database that was provisioned: it logs in as the service, and compares.
///
/// # Errors
/// When the service cannot log in, or lands in a database of another server; or when the run is interrupted.
pub async fn prove(
    admin: &Endpoint,
    service: &Endpoint,
    interrupt: &watch::Receiver<bool>,
) -> Result<Step, ProvisionError> {
    tokio::select! {
        proven = log_in(admin, service) => proven,
        () = raised(interrupt) => Err(ProvisionError::Interrupted(
            "interrupted; all of this is done, and only whether the service itself can log in is not known: dbctl provision, run again, \
             tries it"
                .to_owned(),
        )),
    }
}

/// The step of [`prove`] as long as it is not taken: the role and its password may be yet to be made.
#[must_use]
pub fn attempted(service: &Endpoint) -> Step {
    let done = format!("tried at the end, at {}", service.address());
    Step::new(format!("log-in of {}", service.user), done, false)
}

async fn log_in(admin: &Endpoint, service: &Endpoint) -> Result<Step, ProvisionError> {
    let inside = Endpoint {
        database: service.database.clone(),
        ..admin.clone()
    };
    let own = connect(service, Purpose::Read, "dbctl provision")
        .await
        .map_err(|error| {
            // Its advice is to run what has just run.
            let why = match error.reason {
                // Its advice is where to put one.
                Reason::LogIn if service.has_no_password() => error.message,
                Reason::LogIn => format!(
                    "{}; check the password, that the role has not expired (VALID UNTIL), and the server's pg_hba.conf",
                    error.fact
                ),
                Reason::NoDatabase | Reason::NoConnect => error.fact,
                _ => error.message,
            };
            ProvisionError::Unreachable(format!(
                "all of this is done on {}, but the service itself cannot log in: {why}",
                admin.address()
            ))
        })?;
    if let Some(misled) = own.misled() {
        return Err(led_astray(service, misled));
    }
    let other = open(&inside, Purpose::Write).await?;
    let same = same_database(&own, &other).await;
    own.close().await;
    other.close().await;
    let what = format!("log-in of {}", service.user);
    match same.map_err(|error| failed(&what, &error))? {
        Some(false) => Err(ProvisionError::Refused(format!(
            "all of this is done on {}, where admin_url leads, but the service's own way leads to {}, which is another server: \
             make both lead to one",
            admin.address(),
            service.address()
        ))),
        Some(true) | None => Ok(Step::new(
            what,
            format!("works at {}", service.address()),
            false,
        )),
    }
}

async fn all_steps(
    run: Attended<'_>,
    wanted: &Wanted,
    purpose: Purpose,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let server = run.looking(open(run.admin, purpose)).await?;
    let kind = async {
        standby::refusal(&server, run.admin, None)
            .await
            .map_err(|error| failed("kind of the server", &error))
    };
    if let Some(reason) = run.looking(kind).await? {
        return Err(ProvisionError::Unreachable(reason));
    }
    let mut result = locked(run, &server, wanted, steps).await;
    if matches!(result, Err(ProvisionError::Raced(_))) {
        // Advisory locks end at the database that they are taken in, and two administrators may start in different ones.
        result = locked(run, &server, wanted, steps).await;
    }
    // The end of the session frees its lock: the next service waits for that.
    server.close().await;
    result
}

async fn locked(
    run: Attended<'_>,
    server: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let there = run.working(server, outside(run, server, wanted, steps));
    if !there.await? && server.purpose == Purpose::Read {
        return run.looking(unmade(server, wanted, steps)).await;
    }
    let inside = Endpoint {
        database: wanted.database.clone(),
        ..run.admin.clone()
    };
    let session = run.looking(open(&inside, server.purpose)).await?;
    let run = Attended {
        admin: &inside,
        ..run
    };
    let result = run.working(&session, within(run, &session, wanted, steps));
    let result = result.await;
    session.close().await;
    result
}

/// What is done in the administrator's database, under the provisioners' lock. Whether the service's database was there.
async fn outside(
    run: Attended<'_>,
    server: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<bool, ProvisionError> {
    if server.purpose == Purpose::Write {
        lock(server).await?;
    }
    // Before the first change: a database that is somebody else's must not lose even its role's password.
    let there = foreign(run, server, wanted).await?;
    run.go_on()?;
    role(server, wanted, steps).await?;
    run.go_on()?;
    let is_there = there.is_some();
    database(server, wanted, there, steps).await?;
    run.go_on()?;
    if is_there || server.purpose == Purpose::Write {
        database_privileges(server, wanted, steps).await?;
    }
    Ok(is_there)
}

/// What is done in the service's database.
async fn within(
    run: Attended<'_>,
    session: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    run.go_on()?;
    schema_privileges(session, wanted, steps).await?;
    run.go_on()?;
    books(session, wanted, steps).await?;
    match wanted.timescaledb {
        true => timescaledb(session, steps).await,
        false => Ok(()),
    }
}

/// Lets one provisioner look and change at a time: of two that both see no role one would fail. The session's end frees it.
async fn lock(session: &Session) -> Result<(), ProvisionError> {
    let taken = session
        .client
        .batch_execute(&format!(
            "SET lock_timeout = '60s'; SELECT pg_advisory_lock({LOCK_KEY}); SET lock_timeout = '5s'"
        ))
        .await;
    taken.map_err(|error| {
        if is_lock_conflict(&error) {
            ProvisionError::Blocked(
                "another dbctl provision has been at work on this server for 60 s".to_owned(),
            )
        } else {
            failed("lock of provisioners", &error)
        }
    })
}

/// Drops a database with everything in it, if there is one. Only for throwaway servers.
///
/// # Errors
/// When the server does not do it.
pub async fn discard(admin: &Endpoint, database: &str) -> Result<(), ProvisionError> {
    let session = open(admin, Purpose::Write).await?;
    let sql = format!(
        "DROP DATABASE IF EXISTS {} WITH (FORCE)",
        identifier(database)
    );
    execute(&session, &format!("database {database}"), &sql).await
}

async fn open(endpoint: &Endpoint, purpose: Purpose) -> Result<Session, ProvisionError> {
    let session = connect(endpoint, purpose, "dbctl provision")
        .await
        .map_err(unreachable)?;
    if purpose == Purpose::Read {
        // What would be done would be looked for elsewhere.
        return match session.misled() {
            Some(misled) => Err(led_astray(endpoint, misled)),
            None => Ok(session),
        };
    }
    // Not even the verifier of a password goes into the server's log. Only a superuser may and needs to say so.
    session
        .client
        .batch_execute(
            "SELECT set_config(name, value, false) FROM (VALUES ('log_statement', 'none'), ('log_min_duration_statement', '-1'), \
             ('log_min_error_statement', 'panic')) AS quiet (name, value) \
             WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)",
        )
        .await
        .map_err(|error| failed("way to keep the statements out of the server's log", &error))?;
    Ok(session)
}

/// A pooler leads to another role or database than the endpoint's.
fn led_astray(endpoint: &Endpoint, misled: &str) -> ProvisionError {
    ProvisionError::Unreachable(format!("{}: {misled}", endpoint.display()))
}

/// The advice of a session is about the service's own role; here the administrator could not get in.
fn unreachable(error: ConnectError) -> ProvisionError {
    ProvisionError::Unreachable(match error.reason {
        Reason::LogIn | Reason::NoDatabase | Reason::NoConnect => {
            format!(
                "{}; check role, password and database of admin_url",
                error.fact
            )
        }
        _ => error.message,
    })
}

fn failed(what: &str, error: &tokio_postgres::Error) -> ProvisionError {
    let hint = match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            "; provision needs a superuser: give one as admin_url"
        }
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            "; default_transaction_read_only is on for admin_url: take it out of its options, or RESET it for its role or the server"
        }
        _ => "",
    };
    let text = format!("{what}: {}{hint}", describe(error));
    let raced = [
        SqlState::DUPLICATE_OBJECT,
        SqlState::DUPLICATE_DATABASE,
        SqlState::UNIQUE_VIOLATION,
    ];
    if is_lock_conflict(error) {
        return ProvisionError::Blocked(text);
    }
    if error.code() == Some(&SqlState::QUERY_CANCELED) {
        let what = what.to_owned();
        return ProvisionError::Cancelled { what, text };
    }
    if error.code().is_some_and(|code| raced.contains(code)) {
        ProvisionError::Raced(text)
    } else {
        ProvisionError::Failed(text)
    }
}

/// Runs a statement that changes something, unless the session is only to read.
async fn execute(session: &Session, what: &str, sql: &str) -> Result<(), ProvisionError> {
    if session.purpose == Purpose::Read {
        return Ok(());
    }
    session
        .client
        .batch_execute(sql)
        .await
        .map_err(|error| failed(what, &error))
}

/// What would be done in a database that is yet to be made.
async fn unmade(
    server: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    unmade_privileges(server, wanted, steps).await?;
    if wanted.timescaledb {
        available(server).await?;
        steps.push(Step::new("TimescaleDB", AVAILABLE, false));
    }
    Ok(())
}

/// What is said of TimescaleDB in a database that does not have it yet.
const AVAILABLE: &str = "available; the first migration creates it";

async fn available(session: &Session) -> Result<(), ProvisionError> {
    let abilities = super::inspect::abilities(session)
        .await
        .map_err(|error| failed("TimescaleDB", &error))?;
    match super::inspect::timescaledb_problem(abilities) {
        Some(problem) => Err(ProvisionError::Failed(problem)),
        None => Ok(()),
    }
}

async fn timescaledb(session: &Session, steps: &mut Vec<Step>) -> Result<(), ProvisionError> {
    available(session).await?;
    let there = session
        .client
        .query_opt(
            "SELECT FROM pg_extension WHERE extname = 'timescaledb'",
            &[],
        )
        .await
        .map_err(|error| failed("TimescaleDB", &error))?;
    let done = if there.is_some() {
        "already there"
    } else {
        AVAILABLE
    };
    steps.push(Step::new("TimescaleDB", done, false));
    Ok(())
}
