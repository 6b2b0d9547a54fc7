//! What of TLS is in force for an endpoint: what its URL says, else libpq's variables, else the files where libpq looks for them in the
//! home directory (PostgreSQL documentation, "SSL Support").

use std::path::PathBuf;

use super::Shown;
use super::defaults::{at_home, variable};
use super::endpoint::{ClientCertificate, Endpoint, SslMode};
use super::environment::Environment;
use super::value::{Source, Sourced};

/// The value of `sslrootcert` that means the system's root certificates.
const SYSTEM: &str = "system";

/// libpq's directory in the home directory.
const AT_HOME: &str = ".postgresql";

/// What one endpoint says about TLS.
#[derive(Default)]
pub(super) struct Tls {
    pub(super) mode: Option<SslMode>,
    pub(super) root_cert: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
}

/// What of TLS is in force for one endpoint.
pub(super) struct TlsInForce {
    pub(super) mode: SslMode,
    /// No file means the system's certificates.
    pub(super) root_cert: Option<PathBuf>,
    pub(super) client_certificate: Option<ClientCertificate>,
}

/// What the environment says about TLS.
#[derive(Default)]
pub(super) struct TlsDefaults {
    mode: Option<Sourced<SslMode>>,
    root_cert: Option<Sourced<String>>,
    certificate: Option<Sourced<String>>,
    key: Option<Sourced<String>>,
}

impl TlsDefaults {
    /// Reads `PGSSLMODE`, `PGSSLROOTCERT`, `PGSSLCERT` and `PGSSLKEY`, and finds the files of the home directory.
    ///
    /// # Errors
    /// When a variable is none of what is expected.
    pub(super) fn read(environment: &Environment) -> Result<Self, (Source, &'static str)> {
        let mode = match variable(environment, "PGSSLMODE") {
            None => None,
            Some((word, source)) => match SslMode::parse(word) {
                Some(value) => Some(Sourced { value, source }),
                None => {
                    let expected = "disable, allow, prefer, require, verify-ca or verify-full";
                    return Err((source, expected));
                }
            },
        };
        Ok(Self {
            mode,
            root_cert: file(environment, "PGSSLROOTCERT", "root.crt"),
            certificate: file(environment, "PGSSLCERT", "postgresql.crt"),
            key: file(environment, "PGSSLKEY", "postgresql.key"),
        })
    }

    /// The mode and the files that are in force.
    ///
    /// # Errors
    /// When the system's root certificates are wanted with a mode that lets everybody in who has any certificate, or a certificate
    /// of the client's has no key.
    pub(super) fn in_force(&self, own: Tls) -> Result<TlsInForce, String> {
        let client_certificate = self.client_certificate(own.certificate, own.key)?;
        let mode = own.mode.or(self.mode.as_ref().map(|mode| mode.value));
        let named_by = match (&own.root_cert, &self.root_cert) {
            (None, Some(default)) => format!(" ({})", default.source),
            _ => String::new(),
        };
        let root_cert = own.root_cert.or_else(|| value(&self.root_cert));
        let in_force = |mode, root_cert| TlsInForce {
            mode,
            root_cert,
            client_certificate,
        };
        if root_cert.as_deref() != Some(SYSTEM) {
            let root_cert = root_cert.map(PathBuf::from);
            return Ok(in_force(mode.unwrap_or(SslMode::Prefer), root_cert));
        }
        match mode {
            None | Some(SslMode::VerifyFull) => Ok(in_force(SslMode::VerifyFull, None)),
            Some(_) => Err(format!(
                "sslrootcert=system{named_by} needs sslmode=verify-full: anybody can get a certificate from a public authority"
            )),
        }
    }

    /// As for libpq, a key without a certificate means nothing.
    fn client_certificate(
        &self,
        certificate: Option<String>,
        key: Option<String>,
    ) -> Result<Option<ClientCertificate>, String> {
        let Some(certificate) = certificate.or_else(|| value(&self.certificate)) else {
            return Ok(None);
        };
        let Some(key) = key.or_else(|| value(&self.key)) else {
            // It may be a piece of the URL, which is never quoted.
            return Err(format!(
                "sslcert has no key; name its file with sslkey or PGSSLKEY, or make it ~/{AT_HOME}/postgresql.key"
            ));
        };
        Ok(Some(ClientCertificate {
            certificate: certificate.into(),
            key: key.into(),
        }))
    }

    /// What of an endpoint came from here. `plain` is the same endpoint without the environment.
    pub(super) fn shown(&self, plain: &Endpoint, endpoint: &Endpoint) -> Vec<Shown> {
        let mut shown = Vec::new();
        if let Some(mode) = &self.mode
            && plain.ssl_mode != endpoint.ssl_mode
        {
            let word = mode.value.as_str().to_owned();
            shown.push(Shown::new("sslmode", word, &mode.source));
        }
        let mut file = |key, default: &Option<Sourced<String>>, differs| {
            if let Some(path) = default
                && differs
            {
                shown.push(Shown::new(key, path.value.clone(), &path.source));
            }
        };
        let roots = |of: &Endpoint| (of.ssl_root_cert.clone(), of.ssl_mode);
        file(
            "sslrootcert",
            &self.root_cert,
            roots(plain) != roots(endpoint),
        );
        let (before, own) = (&plain.client_certificate, &endpoint.client_certificate);
        let differs = |of: fn(&ClientCertificate) -> &PathBuf| {
            before.as_ref().map(of) != own.as_ref().map(of)
        };
        file(
            "sslcert",
            &self.certificate,
            differs(|own| &own.certificate),
        );
        file("sslkey", &self.key, differs(|own| &own.key));
        shown
    }
}

fn value(default: &Option<Sourced<String>>) -> Option<String> {
    Some(default.as_ref()?.value.clone())
}

/// The file that a variable names, else the one of libpq's directory in the home directory, if it is there.
fn file(environment: &Environment, name: &str, default: &str) -> Option<Sourced<String>> {
    if let Some((path, source)) = variable(environment, name) {
        let value = path.to_owned();
        return Some(Sourced { value, source });
    }
    let path = at_home(environment, &format!("{AT_HOME}/{default}"))?;
    Some(Sourced {
        value: path.to_str()?.to_owned(),
        source: Source::Home,
    })
}
