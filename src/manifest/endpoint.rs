//! Where a database is and how to enter it, parsed from a URL or put together from parts.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::secret::Secret;

/// The port that PostgreSQL listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 5432;

/// Everything but RFC 3986's unreserved characters: what is encoded means the same to every parser of URLs.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// One way to a database, as libpq's connection URIs describe it (PostgreSQL documentation, "Connection URIs").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The hosts to try, in order; at least one.
    pub hosts: Vec<Host>,
    /// The role to log in as.
    pub user: String,
    /// The password, if one is given.
    pub password: Option<Secret>,
    /// The database.
    pub database: String,
    /// How far TLS is wanted.
    pub ssl_mode: SslMode,
    /// The file of root certificates for `verify-ca` and `verify-full`; the system's when there is none.
    pub ssl_root_cert: Option<PathBuf>,
    /// How long one connection attempt may take.
    pub connect_timeout: Option<Duration>,
    /// Command-line options for the server (`options=-c…`).
    pub options: Option<String>,
    /// Whether only a server that accepts writes will do (`target_session_attrs=read-write`).
    pub read_write: bool,
}

impl Endpoint {
    /// The hosts with their ports, as in `localhost:5433`: several are joined by commas, IPv6 stands in brackets, and a
    /// socket directory is its path.
    #[must_use]
    pub fn address(&self) -> String {
        let hosts: Vec<String> = self
            .hosts
            .iter()
            .map(|host| {
                if host.is_socket() && host.port == DEFAULT_PORT {
                    host.name.clone()
                } else if host.is_ipv6() {
                    format!("[{}]:{}", host.name, host.port)
                } else {
                    format!("{}:{}", host.name, host.port)
                }
            })
            .collect();
        hosts.join(",")
    }

    /// The endpoint for people, as in `postgresql://role@host:port/database`. It never holds the password.
    #[must_use]
    pub fn display(&self) -> String {
        self.base(None)
    }

    /// The whole URL, every part percent-encoded, for a child's environment: [`Endpoint::parse`] gives the same endpoint.
    #[must_use]
    pub fn to_url(&self) -> Secret {
        let mut url = self.base(self.password.as_ref());
        let mut separator = '?';
        let mut parameter = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = write!(url, "{separator}{name}={}", encode(value));
            separator = '&';
        };
        if self.ssl_mode != SslMode::Prefer {
            parameter("sslmode", self.ssl_mode.as_str());
        }
        match &self.ssl_root_cert {
            Some(path) => parameter("sslrootcert", &path.to_string_lossy()),
            // libpq would look for ~/.postgresql/root.crt where dbctl uses the system's certificates.
            None if self.ssl_mode == SslMode::VerifyFull => parameter("sslrootcert", "system"),
            None => {}
        }
        if let Some(timeout) = self.connect_timeout {
            parameter("connect_timeout", &timeout.as_secs().to_string());
        }
        if let Some(options) = &self.options {
            parameter("options", options);
        }
        if self.read_write {
            parameter("target_session_attrs", "read-write");
        }
        Secret::new(url)
    }

    fn base(&self, password: Option<&Secret>) -> String {
        let mut url = format!("postgresql://{}", encode(&self.user));
        if let Some(password) = password {
            url.push(':');
            url.push_str(&encode(password.expose()));
        }
        for (index, host) in self.hosts.iter().enumerate() {
            url.push(if index == 0 { '@' } else { ',' });
            // A zone (`fe80::1%eth0`) holds a percent sign of its own.
            let name = if host.is_ipv6() {
                format!("[{}]", host.name.replace('%', "%25"))
            } else {
                encode(&host.name)
            };
            let _ = write!(url, "{name}:{}", host.port);
        }
        let _ = write!(url, "/{}", encode(&self.database));
        url
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A host name, address or socket directory, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name, the address without brackets, or an absolute path of a socket directory.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl Host {
    /// Whether this is the directory of a Unix socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }

    fn is_ipv6(&self) -> bool {
        !self.is_socket() && self.name.contains(':')
    }
}

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS if the server offers it.
    Prefer,
    /// TLS, whoever the server is.
    Require,
    /// TLS with a certificate of a known authority.
    VerifyCa,
    /// TLS with a certificate of a known authority for this very host.
    VerifyFull,
}

impl SslMode {
    /// libpq's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// Why a URL is not an endpoint. It never quotes the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EndpointError(pub String);
