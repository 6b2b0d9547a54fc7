//! Where a database is and how to enter it, parsed from a URL or put together from parts.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::passfile::PasswordFile;
use super::value::Source;
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
    /// The manifest's key that gives the password (`password`, or the whole `url` or `admin_url`), and where its value came from; without a
    /// password, where it would have come from.
    pub password_source: Option<(&'static str, Source)>,
    /// The database.
    pub database: String,
    /// How far TLS is wanted.
    pub ssl_mode: SslMode,
    /// The file of root certificates for `verify-ca` and `verify-full`; the system's when there is none.
    pub ssl_root_cert: Option<PathBuf>,
    /// The certificate to show to a server that asks for one.
    pub client_certificate: Option<ClientCertificate>,
    /// Whether the log-in is bound to the server's certificate.
    pub channel_binding: ChannelBinding,
    /// How long one connection attempt may take.
    pub connect_timeout: Option<Duration>,
    /// Command-line options for the server (`options=-c…`).
    pub options: Option<String>,
    /// Which servers will do.
    pub session_attrs: SessionAttrs,
    /// The password file, for an endpoint without a password of its own.
    pub password_file: Option<Arc<PasswordFile>>,
    /// The service of the manifest whose way it is; a URL by itself is nobody's.
    pub service: Option<String>,
}

/// Whether two names mean one host. A name that needs a resolver is only compared as text.
fn same_host(a: &str, b: &str) -> bool {
    let local = |name: &str| ["localhost", "127.0.0.1", "::1"].contains(&name);
    a.eq_ignore_ascii_case(b) || (local(&a.to_lowercase()) && local(&b.to_lowercase()))
}

impl Endpoint {
    /// The hosts with their ports, as in `localhost:5433`: several are joined by commas, IPv6 stands in brackets, and a
    /// socket directory is its path.
    #[must_use]
    pub fn address(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::address).collect();
        hosts.join(",")
    }

    /// A host of this endpoint that the other one names as well, with the same port and database.
    #[must_use]
    pub fn shares_database_with(&self, other: &Self) -> Option<&Host> {
        self.shared_host(other)
            .filter(|_| self.database == other.database)
    }

    /// Whether one of its hosts is one of the other's, with the same port.
    #[must_use]
    pub fn shares_server_with(&self, other: &Self) -> bool {
        self.shared_host(other).is_some()
    }

    fn shared_host(&self, other: &Self) -> Option<&Host> {
        let is_theirs = |host: &Host| {
            let mut theirs = other.hosts.iter();
            theirs.any(|it| same_host(&host.name, &it.name) && host.port == it.port)
        };
        self.hosts.iter().find(|host| is_theirs(host))
    }

    /// What is said where another service's endpoint leads to the same database.
    #[must_use]
    pub fn shared_with(&self, other: &Self, service: &str) -> Option<String> {
        let host = self.shares_database_with(other)?;
        Some(format!(
            "database {} at {} is {service}'s as well: give each service its own database",
            self.database,
            host.address()
        ))
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
        if let Some(own) = &self.client_certificate {
            parameter("sslcert", &own.certificate.to_string_lossy());
            parameter("sslkey", &own.key.to_string_lossy());
        }
        if self.channel_binding != ChannelBinding::Prefer {
            parameter("channel_binding", self.channel_binding.as_str());
        }
        if let Some(timeout) = self.connect_timeout {
            parameter("connect_timeout", &timeout.as_secs().to_string());
        }
        if let Some(options) = &self.options {
            parameter("options", options);
        }
        if self.session_attrs != SessionAttrs::Any {
            parameter("target_session_attrs", self.session_attrs.as_str());
        }
        Secret::new(url)
    }

    /// The password for one of the hosts: the endpoint's own, else the one that the password file has for it.
    #[must_use]
    pub fn password_for(&self, host: &Host) -> Option<&Secret> {
        self.password
            .as_ref()
            .or_else(|| Some(self.filed_password(host)?.0))
    }

    /// What the password file has for one of the hosts, and on which line. An endpoint with a password of its own needs none.
    pub(super) fn filed_password(&self, host: &Host) -> Option<(&Secret, usize)> {
        if self.password.is_some() {
            return None;
        }
        self.password_file
            .as_ref()?
            .lookup(host, &self.database, &self.user)
    }

    /// The line of the password file that gives the password for one of the hosts, if one does, as in `line 3 of PATH`.
    #[must_use]
    pub fn filed_line(&self, host: &Host) -> Option<String> {
        let (_, line) = self.filed_password(host)?;
        let file = self.password_file.as_ref()?;
        Some(format!("line {line} of {}", file.path().display()))
    }

    /// The command that provisions what it leads to, as it can be copied.
    #[must_use]
    pub fn provision(&self) -> String {
        match &self.service {
            Some(service) => format!("dbctl provision --service {service}"),
            None => "dbctl provision".to_owned(),
        }
    }

    /// Whether it is an administrator's way in, and not a service's.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self.password_source, Some(("admin_url", _)))
    }

    /// The variable that would give the password, where there is none for that alone.
    #[must_use]
    pub fn unset_password(&self) -> Option<&str> {
        match &self.password_source {
            Some(("password", Source::Env(name))) if self.password.is_none() => Some(name),
            _ => None,
        }
    }

    /// Whether neither the manifest nor the password file has one for any of the hosts.
    #[must_use]
    pub fn has_no_password(&self) -> bool {
        self.hosts
            .iter()
            .all(|host| self.password_for(host).is_none())
    }

    /// What to know about the password's origin when one of the hosts refused the log-in. Never a password.
    #[must_use]
    pub fn password_note(&self, host: &Host) -> Option<String> {
        if self.password.is_some() {
            let (key, source) = self.password_source.as_ref()?;
            return Some(format!(
                "the password is from the manifest's {key} ({source})"
            ));
        }
        let unset = || Some(format!("{} is not set", self.unset_password()?));
        let Some(file) = self.password_file.as_ref() else {
            return unset();
        };
        if let Some((_, line)) = self.filed_password(host) {
            return Some(format!(
                "the password is from {}:{line}",
                file.path().display()
            ));
        }
        let filed = file.no_password(&format!(
            "{}:{}:{}:{}",
            host.name, host.port, self.database, self.user
        ));
        Some(match unset() {
            Some(unset) => format!("{unset}, and {filed}"),
            None => filed,
        })
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
    /// The host with its port, as in [`Endpoint::address`].
    #[must_use]
    pub fn address(&self) -> String {
        if self.is_socket() && self.port == DEFAULT_PORT {
            self.name.clone()
        } else if self.is_ipv6() {
            format!("[{}]:{}", self.name, self.port)
        } else {
            format!("{}:{}", self.name, self.port)
        }
    }

    /// Whether this is the directory of a Unix socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }

    fn is_ipv6(&self) -> bool {
        !self.is_socket() && self.name.contains(':')
    }
}

/// A client's certificate and its private key (PostgreSQL documentation, "Client Certificates").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The PEM file of the certificate, and of those that lead from it to an authority that the server knows.
    pub certificate: PathBuf,
    /// The file of its private key, PEM or DER.
    pub key: PathBuf,
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

    /// The mode of this word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// libpq's `channel_binding` (PostgreSQL documentation, "Database Connection Control Functions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelBinding {
    /// Never: something that ends TLS stands before the server.
    Disable,
    /// Where the server offers it.
    #[default]
    Prefer,
    /// A log-in that is not bound is refused.
    Require,
}

impl ChannelBinding {
    /// libpq's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
        }
    }

    /// The value of this word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        [Self::Disable, Self::Prefer, Self::Require]
            .into_iter()
            .find(|binding| binding.as_str() == word)
    }
}

/// libpq's `target_session_attrs` (PostgreSQL documentation, "Database Connection Control Functions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionAttrs {
    /// Every server.
    #[default]
    Any,
    /// One where transactions can write unless they say otherwise.
    ReadWrite,
    /// One where they cannot.
    ReadOnly,
    /// One that is no standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby, or any server where no host is one.
    PreferStandby,
}

impl SessionAttrs {
    /// libpq's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }

    /// The value of this word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        [
            Self::Any,
            Self::ReadWrite,
            Self::ReadOnly,
            Self::Primary,
            Self::Standby,
            Self::PreferStandby,
        ]
        .into_iter()
        .find(|attrs| attrs.as_str() == word)
    }
}

/// Why a URL is not an endpoint. It never quotes the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EndpointError(pub String);
