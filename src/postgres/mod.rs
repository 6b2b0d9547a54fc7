//! The only place that names tokio_postgres or refinery: sessions, the catalog, the migration runner, provisioning.

mod attempt;
mod blockers;
pub mod capacity;
pub mod catalog;
mod client_certificate;
mod connect;
mod error;
mod first_look;
mod history;
pub mod inspect;
mod looking;
pub mod other_tools;
mod pooler;
pub mod proof;
pub mod provision;
mod runner;
mod scram;
mod session;
mod snapshot;
pub mod standby;
mod tls;
pub mod unfinished;
mod wire;
mod wrong_password;

pub use attempt::OLDEST_MAJOR;
pub use connect::{Connecting, connect, connect_patiently};
pub use error::{ConnectError, Reason, describe};
pub use looking::{Looking, Unread};
pub use runner::{
    ApplyError, ApplyOptions, Event, Loss, Mend, MendState, NotProven, Prove, RepairOptions,
    Resumptions, RollbackError, RollbackOptions, RolledBack, There, Word, apply, baseline, holder,
    misfit, repair, resumptions, rollback, there_already, unreadable,
};
pub use session::{Canceller, Purpose, Session};
pub use snapshot::{
    common_content, cron_jobs, outside, same_database, snapshot, snapshot_with_state,
};
pub use tokio_postgres::Error as DriverError;
