//! What libpq's environment variables say, for what a URL or the parts leave open (PostgreSQL documentation, "Environment Variables").

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Shown;
use super::endpoint::{Endpoint, SslMode};
use super::environment::Environment;
use super::passfile::PasswordFile;
use super::problems::Problems;
use super::value::{Source, Sourced};

/// The value of `sslrootcert` that means the system's root certificates.
const SYSTEM: &str = "system";

/// The defaults of all endpoints of a manifest.
#[derive(Default)]
pub(super) struct Defaults {
    ssl_mode: Option<Sourced<SslMode>>,
    ssl_root_cert: Option<Sourced<String>>,
    connect_timeout: Option<Sourced<u32>>,
    password_file: Option<Arc<PasswordFile>>,
}

/// What one endpoint says about TLS.
#[derive(Default)]
pub(super) struct Tls {
    pub(super) mode: Option<SslMode>,
    pub(super) root_cert: Option<String>,
}

impl Defaults {
    /// Reads `PGSSLMODE`, `PGSSLROOTCERT`, `PGCONNECT_TIMEOUT` and the password file.
    pub(super) fn read(
        environment: &Environment,
        directory: &Path,
        problems: &mut Problems,
    ) -> Self {
        let mut unfit = |source: &Source, expected: &str| {
            problems.flag(
                &source.to_string(),
                &format!("expected {expected}, found something else; correct or unset it"),
            );
        };
        let mut defaults = Self {
            password_file: password_file(environment, directory).map(Arc::new),
            ..Self::default()
        };
        if let Some((word, source)) = variable(environment, "PGSSLMODE") {
            match SslMode::parse(word) {
                Some(value) => defaults.ssl_mode = Some(Sourced { value, source }),
                None => unfit(
                    &source,
                    "disable, allow, prefer, require, verify-ca or verify-full",
                ),
            }
        }
        if let Some((path, source)) = variable(environment, "PGSSLROOTCERT") {
            let value = path.to_owned();
            defaults.ssl_root_cert = Some(Sourced { value, source });
        }
        if let Some((seconds, source)) = variable(environment, "PGCONNECT_TIMEOUT") {
            match seconds.parse() {
                Ok(value) => defaults.connect_timeout = Some(Sourced { value, source }),
                Err(_) => unfit(&source, "a number of seconds"),
            }
        }
        defaults
    }

    /// The mode and the file of root certificates; no file means the system's.
    ///
    /// # Errors
    /// When the system's root certificates are wanted with a mode that lets everybody in who has any certificate.
    pub(super) fn tls(&self, own: Tls) -> Result<(SslMode, Option<PathBuf>), String> {
        let mode = own.mode.or(self.ssl_mode.as_ref().map(|mode| mode.value));
        let named_by = match (&own.root_cert, &self.ssl_root_cert) {
            (None, Some(variable)) => format!(" ({})", variable.source),
            _ => String::new(),
        };
        let root_cert = own
            .root_cert
            .or_else(|| Some(self.ssl_root_cert.as_ref()?.value.clone()));
        if root_cert.as_deref() != Some(SYSTEM) {
            return Ok((
                mode.unwrap_or(SslMode::Prefer),
                root_cert.map(PathBuf::from),
            ));
        }
        match mode {
            None | Some(SslMode::VerifyFull) => Ok((SslMode::VerifyFull, None)),
            Some(_) => Err(format!(
                "sslrootcert=system{named_by} needs sslmode=verify-full: anybody can get a certificate from a public authority"
            )),
        }
    }

    /// How long one attempt may take. 0 seconds say nothing: dbctl never waits for ever.
    pub(super) fn connect_timeout(&self, own: Option<u32>) -> Option<Duration> {
        own.or(self.connect_timeout.as_ref().map(|it| it.value))
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(u64::from(seconds)))
    }

    /// The password file, if there is one.
    pub(super) fn password_file(&self) -> Option<Arc<PasswordFile>> {
        self.password_file.clone()
    }

    /// What of a service's endpoint came from here. `plain` is the same endpoint without the defaults.
    pub(super) fn shown(&self, plain: &Endpoint, endpoint: &Endpoint) -> Vec<Shown> {
        let mut shown = Vec::new();
        if let Some(mode) = &self.ssl_mode
            && plain.ssl_mode != endpoint.ssl_mode
        {
            let mode = Shown::new("sslmode", mode.value.as_str().to_owned(), &mode.source);
            shown.push(mode);
        }
        if let Some(path) = &self.ssl_root_cert
            && (&plain.ssl_root_cert, plain.ssl_mode)
                != (&endpoint.ssl_root_cert, endpoint.ssl_mode)
        {
            shown.push(Shown::new("sslrootcert", path.value.clone(), &path.source));
        }
        if let Some(seconds) = &self.connect_timeout
            && plain.connect_timeout != endpoint.connect_timeout
        {
            let text = seconds.value.to_string();
            shown.push(Shown::new("connect_timeout", text, &seconds.source));
        }
        shown.extend(self.shown_password(endpoint, "password"));
        shown
    }

    /// The password that the file has for the endpoint, as the value of `key`, or why the file is not used.
    pub(super) fn shown_password(&self, endpoint: &Endpoint, key: &'static str) -> Option<Shown> {
        let file = self.password_file.as_ref()?;
        if endpoint.password.is_some() {
            return None;
        }
        let source = |line| Source::PasswordFile(file.path().to_path_buf(), line);
        let found = endpoint
            .hosts
            .iter()
            .find_map(|host| endpoint.filed_password(host));
        match found {
            Some((_, line)) => Some(Shown::new(key, "***".to_owned(), &source(Some(line)))),
            None => file
                .unusable()
                .map(|reason| Shown::new("passfile", format!("not used: {reason}"), &source(None))),
        }
    }
}

/// A variable that is set and not empty.
fn variable<'a>(environment: &'a Environment, name: &str) -> Option<(&'a str, Source)> {
    environment.get(name).filter(|(value, _)| !value.is_empty())
}

/// The file of `PGPASSFILE`, else `.pgpass` in the home directory.
fn password_file(environment: &Environment, directory: &Path) -> Option<PasswordFile> {
    if let Some((path, _)) = variable(environment, "PGPASSFILE") {
        return Some(PasswordFile::read(&directory.join(path)));
    }
    let (home, _) = variable(environment, "HOME")?;
    let path = Path::new(home).join(".pgpass");
    // Nobody named it, so its absence means nothing.
    path.exists().then(|| PasswordFile::read(&path))
}
