//! A set, applied version by version to an empty database of a throwaway server, and what is there after each.

use std::time::Duration;

use super::prove::{Around, prove};
use super::{Interrupt, LoadedService};
use crate::manifest::{Endpoint, Store};
use crate::migration::{Owned, Set};
use crate::postgres::provision::{Wanted, discard, provision};
use crate::postgres::{
    ApplyError, ApplyOptions, ConnectError, Purpose, RollbackError, RollbackOptions, Session,
    apply, connect, describe, rollback, snapshot,
};
use crate::report::lock::LockState;
use crate::sandbox::{Server, random_password};
use crate::snapshot::Snapshot;

/// Nobody else works on a throwaway server.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// What a set makes of an empty database.
pub(super) struct Produced {
    /// What is there before the first migration.
    pub(super) empty: Snapshot,
    /// What is there after each migration, in their order.
    pub(super) after: Vec<Snapshot>,
}

/// Why the set produced nothing: how the lock stands then, and the sentence.
pub(super) type Failure = (LockState, String);

/// A provisioned database of the service's own on a throwaway server, and the service's plain role in it.
pub(super) struct Database<'a> {
    endpoint: Endpoint,
    set: &'a Set,
    service: &'a str,
    interrupt: &'a Interrupt,
}

/// Applies the set as the service's plain role, one version at a time, and takes each version with a down script back once.
pub(super) async fn produce(
    server: &Server,
    service: &LoadedService<'_>,
    set: &Set,
    interrupt: &Interrupt,
) -> Result<Produced, Failure> {
    let database = Database::provisioned(server, service, set, interrupt).await?;
    let empty = database.snapshot().await?;
    let mut after: Vec<Snapshot> = Vec::new();
    let mut previous = 0;
    for migration in &set.migrations {
        database.apply(migration.version).await?;
        let snapshot = database.snapshot().await?;
        if let Some(down) = &migration.down {
            let around = Around {
                previous,
                before: after.last().unwrap_or(&empty),
                after: &snapshot,
            };
            prove(&database, migration, down, &around).await?;
        }
        after.push(snapshot);
        previous = migration.version;
    }
    Ok(Produced { empty, after })
}

impl<'a> Database<'a> {
    async fn provisioned(
        server: &Server,
        service: &'a LoadedService<'_>,
        set: &'a Set,
        interrupt: &'a Interrupt,
    ) -> Result<Self, Failure> {
        let admin = Endpoint::parse(server.admin_url("postgres").expose())
            .map_err(|error| no_server(&error))?;
        // Neither the role's nor the database's name is part of a lock, but defaults may depend on them: take the real ones.
        let role = service.service.role_name().unwrap_or("dbctl_lock");
        let wanted = Wanted {
            service: service.service.name.clone(),
            role: role.to_owned(),
            // A service may live in its own server as the superuser that initdb made, and this server has that one already.
            password: match role == admin.user {
                true => admin.password.clone(),
                false => Some(random_password()),
            },
            password_variable: None,
            database: service.service.database_name().to_owned(),
            other_roles: Vec::new(),
            timescaledb: service.service.store == Store::TimescaleDb,
        };
        // Services of different servers may give their databases the same name.
        discard(&admin, &wanted.database)
            .await
            .map_err(|error| no_server(&error))?;
        provision(
            &admin,
            &wanted,
            Purpose::Write,
            &interrupt.receiver(),
            &|_| (),
        )
        .await
        .1
        .map_err(|error| no_server(&error))?;
        Ok(Self {
            endpoint: Endpoint {
                user: wanted.role,
                password: wanted.password,
                database: wanted.database,
                ..admin
            },
            set,
            service: &service.service.name,
            interrupt,
        })
    }

    /// A session of its own for each step, as the runs of a life have them: extensions keep things in their sessions.
    async fn session(&self, purpose: Purpose) -> Result<Session, Failure> {
        connect(&self.endpoint, purpose, "dbctl lock")
            .await
            .map_err(|error: ConnectError| (LockState::NoServer, error.message))
    }

    /// What is there now.
    pub(super) async fn snapshot(&self) -> Result<Snapshot, Failure> {
        let session = self.session(Purpose::Read).await?;
        let snapshot = snapshot(&session, None).await;
        session.close().await;
        snapshot.map_err(|error| (LockState::NoServer, describe(&error)))
    }

    /// Applies what is pending up to this version.
    pub(super) async fn apply(&self, version: i32) -> Result<(), Failure> {
        let mut session = self.session(Purpose::Write).await?;
        let options = ApplyOptions {
            target: Some(version),
            throwaway: true,
            ..ApplyOptions::new(self.service, &self.endpoint, self.interrupt.receiver())
        };
        // The database is the producer's own.
        let owned = Owned::default;
        let applied = apply(&mut session, self.set, &options, &owned, &|_| None, &|_| {}).await;
        session.close().await;
        applied.1.map_err(|error| ended(&error, self.service))
    }

    /// Goes back to this version. Rows may be lost: they are the migrations' own.
    pub(super) async fn roll_back(&self, version: i32) -> Result<(), Failure> {
        let mut session = self.session(Purpose::Write).await?;
        let options = RollbackOptions {
            service: self.service.to_owned(),
            // Nobody else is in a throwaway database, and how many of the set's relations are known does not matter.
            owned: Owned::default(),
            target: version,
            allow_data_loss: true,
            lock_timeout: LOCK_TIMEOUT,
            statement_timeout: None,
            endpoint: self.endpoint.clone(),
            application: format!("dbctl lock {}", self.service),
            interrupt: self.interrupt.receiver(),
        };
        let rolled_back =
            rollback(&mut session, self.set, &options, &|_| None, None, &|_| {}).await;
        session.close().await;
        match rolled_back {
            Ok(_) => Ok(()),
            Err(RollbackError::Run(error)) => Err(ended(&error, self.service)),
            Err(error @ RollbackError::DataLoss { .. }) => {
                Err((LockState::BadSet, error.to_string()))
            }
        }
    }
}

/// How the lock stands after a run that ended early.
fn ended(error: &ApplyError, service: &str) -> Failure {
    match error {
        ApplyError::Unreachable(_) => no_server(error),
        ApplyError::Failed(text) => (
            LockState::BadSet,
            format!(
                "{text} (that was a throwaway server: no database of yours was touched); mend the file and run dbctl lock --service {service} again"
            ),
        ),
        _ => (LockState::BadSet, error.to_string()),
    }
}

fn no_server(error: &dyn std::fmt::Display) -> Failure {
    (LockState::NoServer, error.to_string())
}
