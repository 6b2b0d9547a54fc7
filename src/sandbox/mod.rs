//! Throwaway PostgreSQL servers on loopback: for `dbctl sandbox`, for `dbctl lock` and for the tests.
//!
//! The crate `postgresql_embedded` (0.22) was looked at and does not fit: it starts servers through `pg_ctl`, which
//! daemonizes them, so that they outlive a killed dbctl; it has no way to drop root, which PostgreSQL refuses; it sets
//! `password` authentication and writes the password file with the default mode. So this is `std::process`.

mod account;
mod attended;
mod binaries;
mod cluster;
mod environment;
mod error;
mod generated;
mod groups;
mod places;
mod process;
mod server;
mod settings;
mod state;
mod system;
mod watcher;

pub use binaries::{Binaries, Need, VARIABLE, find, find_all};
pub use environment::Variable;
pub use error::SandboxError;
pub use process::Cancel;
pub use server::{Server, ServerOptions};
pub use state::{RunningServer, State, default_directory};
pub use system::{System, SystemOptions};

pub(crate) use attended::{Attended, Signals};
pub(crate) use state::make_directory;

use rand::Rng as _;
use rand::distr::Alphanumeric;

use crate::secret::Secret;

/// A password that nobody has to remember. Letters and digits only, so that no quoting can go wrong.
#[must_use]
pub fn random_password() -> Secret {
    Secret::new(
        rand::rng()
            .sample_iter(Alphanumeric)
            .take(24)
            .map(char::from)
            .collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn passwords_differ() {
        let (one, two) = (super::random_password(), super::random_password());
        assert_eq!(one.expose().len(), 24);
        assert_ne!(one, two);
    }
}
