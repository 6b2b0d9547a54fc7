//! What libpq's environment variables say, for what a URL or the parts leave open (PostgreSQL documentation, "Environment Variables").

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Shown;
use super::endpoint::Endpoint;
use super::environment::Environment;
use super::passfile::PasswordFile;
use super::problems::Problems;
use super::tls::{Tls, TlsDefaults, TlsInForce};
use super::value::{Source, Sourced};

/// The defaults of all endpoints of a manifest.
#[derive(Default)]
pub(super) struct Defaults {
    tls: TlsDefaults,
    connect_timeout: Option<Sourced<u32>>,
    password_file: Option<Arc<PasswordFile>>,
    /// Where a relative path begins.
    directory: PathBuf,
}

impl Defaults {
    /// Reads the variables of TLS, `PGCONNECT_TIMEOUT` and the password file.
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
            directory: directory.to_path_buf(),
            ..Self::default()
        };
        match TlsDefaults::read(environment) {
            Ok(tls) => defaults.tls = tls,
            Err((source, expected)) => unfit(&source, expected),
        }
        if let Some((seconds, source)) = variable(environment, "PGCONNECT_TIMEOUT") {
            match seconds.parse() {
                Ok(value) => defaults.connect_timeout = Some(Sourced { value, source }),
                Err(_) => unfit(&source, "a number of seconds"),
            }
        }
        defaults
    }

    /// What of TLS is in force for an endpoint that says this.
    ///
    /// # Errors
    /// As [`TlsDefaults::in_force`].
    pub(super) fn tls(&self, own: Tls) -> Result<TlsInForce, String> {
        self.tls.in_force(own)
    }

    /// How long one attempt may take. 0 seconds say nothing: dbctl never waits for ever.
    pub(super) fn connect_timeout(&self, own: Option<u32>) -> Option<Duration> {
        own.or(self.connect_timeout.as_ref().map(|it| it.value))
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(u64::from(seconds)))
    }

    /// The password file: the one that an endpoint names itself, else the environment's, if there is one.
    pub(super) fn password_file(&self, own: Option<&str>) -> Option<Arc<PasswordFile>> {
        match own {
            Some(own) => Some(Arc::new(PasswordFile::read(&self.directory.join(own)))),
            None => self.password_file.clone(),
        }
    }

    /// What of a service's endpoint came from here. `plain` is the same endpoint without the defaults.
    pub(super) fn shown(&self, plain: &Endpoint, endpoint: &Endpoint) -> Vec<Shown> {
        let mut shown = self.tls.shown(plain, endpoint);
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
        let file = endpoint.password_file.as_ref()?;
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
pub(super) fn variable<'a>(environment: &'a Environment, name: &str) -> Option<(&'a str, Source)> {
    environment.get(name).filter(|(value, _)| !value.is_empty())
}

/// The file of `PGPASSFILE`, else `.pgpass` in the home directory.
fn password_file(environment: &Environment, directory: &Path) -> Option<PasswordFile> {
    if let Some((path, _)) = variable(environment, "PGPASSFILE") {
        return Some(PasswordFile::read(&directory.join(path)));
    }
    Some(PasswordFile::read(&at_home(environment, ".pgpass")?))
}

/// A file of the home directory, if it is there: nobody named it, so its absence means nothing.
pub(super) fn at_home(environment: &Environment, name: &str) -> Option<PathBuf> {
    let (home, _) = variable(environment, "HOME")?;
    Some(Path::new(home).join(name)).filter(|path| path.exists())
}
