//! Compose files, read as Docker Compose reads them: several files merged, variables, anchors, `extends`, `include`, profiles,
//! short and long syntax (Docker documentation, "Compose file reference"). Facts only: what is wrong with them is for `rules`.
//!
//! A variable that is not set here is no fault of the file: its value is unknown, and equal to itself ([`Text`]).

mod configured;
mod connection;
mod container;
mod context;
mod dockerfile;
mod document;
mod dsn;
mod elsewhere;
mod extends;
mod image;
mod include;
mod load;
mod merge;
mod mount;
mod network;
mod normal;
mod owner;
mod parties;
mod path;
mod port;
mod project_name;
mod provided;
mod psql;
mod reach;
mod refused;
mod scripts;
mod shell;
mod start;
#[cfg(test)]
mod tests;
mod text;
mod variable;
mod yaml;

pub use connection::{Connection, Host};
pub use container::Container;
pub use dockerfile::Built;
pub use image::{DATA, ImageData, Kept};
pub use load::{ComposeError, Project, Wanted, chosen_files, load};
pub use mount::Mount;
pub use network::Network;
pub use parties::{Deployment, Kind, Party};
pub use path::Store;
pub use port::Port;
pub use provided::{Grant, Provided};
pub use reach::{Barrier, is_host_name, names, server_port};
pub use refused::Refused;
pub use scripts::{Script, Scripts};
pub use start::{Condition, Dependency, Health, Hook};
pub use text::{Field, Text};
pub use variable::{EnvFile, Variable};

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named.
    pub file: std::sync::Arc<str>,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1 in characters.
    pub column: usize,
}
