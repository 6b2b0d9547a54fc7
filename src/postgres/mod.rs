//! The only place that names tokio_postgres or refinery: sessions, the catalog, the migration runner, provisioning.

pub mod catalog;
mod error;
pub mod inspect;
pub mod other_tools;
pub mod provision;
mod runner;
mod scram;
mod session;
mod snapshot;
mod tls;
pub mod unfinished;

pub use error::{ConnectError, Reason, describe};
pub use runner::{
    ApplyError, ApplyOptions, Event, Mend, MendState, Prove, RepairOptions, Word, apply, baseline,
    repair,
};
pub use session::{Canceller, OLDEST_MAJOR, Purpose, Session, connect};
pub use snapshot::{same_database, snapshot};
pub use tokio_postgres::Error as DriverError;
