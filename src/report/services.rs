//! What the manifest says, with targets resolved and secrets masked: the wire format of `dbctl services`, version 1.

use serde::Serialize;

/// The services of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServicesReport {
    /// The version of this format: 1.
    pub version: u32,
    /// The manifest's path, or "the built-in manifest".
    pub manifest: String,
    /// `any`, `dedicated` or `shared`.
    pub topology: &'static str,
    /// The services in the manifest's order.
    pub services: Vec<ServiceRow>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceRow {
    /// Its name.
    pub name: String,
    /// `timescaledb`, `postgres` or `files`.
    pub store: &'static str,
    /// `rocksdb` or `fjall`, for a `files` service that says so.
    pub engine: Option<&'static str>,
    /// Who migrates it: `dbctl` or `service`.
    pub managed: &'static str,
    /// Its migration set.
    pub set: Option<String>,
    /// The folder of its set; null for a built-in one.
    pub set_dir: Option<String>,
    /// The name that its database must have.
    pub database: Option<String>,
    /// The role that it logs in as.
    pub role: Option<String>,
    /// Host and port, as in `localhost:5433`.
    pub address: Option<String>,
    /// The whole way to its database, without the password.
    pub url: Option<String>,
    /// A superuser's way in, without the password.
    pub admin: Option<String>,
    /// The container of its database.
    pub container: Option<String>,
    /// The RGB node's storage directory.
    pub storage_dir: Option<String>,
    /// Where its store lies on this host.
    pub data_dir: Option<String>,
    /// Whether there is something to work on; false in single-user mode.
    pub configured: bool,
    /// That another service has the same database, in words.
    pub shared: Option<String>,
    /// Whether the password in use is the manifest's published default.
    pub default_password: bool,
    /// Every value in force and where it came from.
    pub values: Vec<ValueRow>,
    /// Keys that read variables of which none is set.
    pub unset: Vec<UnsetRow>,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueRow {
    /// The manifest's key.
    pub key: &'static str,
    /// The value, masked.
    pub value: String,
    /// Where it came from, as in `environment K_SOCIAL_DB_PORT`.
    pub source: String,
}

/// A key without a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnsetRow {
    /// The manifest's key.
    pub key: &'static str,
    /// The variables that would give it one, first name first.
    pub variables: Vec<String>,
}
