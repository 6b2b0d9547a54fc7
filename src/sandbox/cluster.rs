//! A database cluster before its server runs: folder, rights, initdb.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::account::Account;
use super::binaries::Binaries;
use super::error::SandboxError;
use super::process;
use super::server::ServerOptions;

/// A folder that belongs to dbctl, with a data directory in it that belongs to the server's user.
pub(super) fn make_folder(
    options: &ServerOptions,
    account: Option<&Account>,
) -> Result<TempDir, SandboxError> {
    let what = || format!("make a folder in {}", options.directory.display());
    let mode = if account.is_some() { 0o711 } else { 0o700 };
    // Without symbolic links, so that the path is the one that the server writes into its own files.
    let parent = fs::canonicalize(&options.directory).map_err(SandboxError::io(what()))?;
    let folder = tempfile::Builder::new()
        .prefix(&format!("dbctl-{}-", file_name(&options.name)))
        .permissions(fs::Permissions::from_mode(mode))
        .tempdir_in(parent)
        .map_err(SandboxError::io(what()))?;
    // The umask may have taken bits away.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode))
        .map_err(SandboxError::io(what()))?;
    let data = folder.path().join("data");
    fs::create_dir(&data).map_err(SandboxError::io(what()))?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))
        .map_err(SandboxError::io(what()))?;
    if let Some(account) = account {
        account.own(&data)?;
    }
    Ok(folder)
}

/// A name as a part of a file's name.
pub(super) fn file_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

/// Says plainly what another user may not do, before initdb says it in its own words.
pub(super) fn check_access(
    binaries: &Binaries,
    account: Option<&Account>,
    folder: &Path,
    options: &ServerOptions,
) -> Result<(), SandboxError> {
    let Some(account) = account else {
        return Ok(());
    };
    let postgres = binaries.program("postgres");
    let runs_in = |directory: &Path| {
        process::clean(&postgres, Some(account), directory)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !runs_in(Path::new("/")) {
        return Err(SandboxError::NoAccess {
            user: account.name.clone(),
            what: format!("run {}", postgres.display()),
            remedy: "let every user enter the folders above it (for a cache: DBCTL_CACHE), or run dbctl as an ordinary user".to_owned(),
        });
    }
    if !runs_in(&folder.join("data")) {
        return Err(SandboxError::NoAccess {
            user: account.name.clone(),
            what: format!("enter {}", options.directory.display()),
            remedy: "choose a folder that every user can enter (--dir, TMPDIR)".to_owned(),
        });
    }
    Ok(())
}

/// Makes the database cluster in the folder's data directory.
pub(super) fn initdb(
    binaries: &Binaries,
    account: Option<&Account>,
    folder: &Path,
    options: &ServerOptions,
) -> Result<(), SandboxError> {
    let data = folder.join("data");
    let log = folder.join("initdb.log");
    // A file, because a command line can be read by every user of the machine.
    let password_file = folder.join("password");
    write_private(&password_file, options.password.expose())?;
    if let Some(account) = account {
        account.own(&password_file)?;
    }
    let attempt = |locale: &str| -> Result<bool, SandboxError> {
        options.cancel.check()?;
        let output = File::create(&log).map_err(SandboxError::io("write initdb's log"))?;
        let errors = output
            .try_clone()
            .map_err(SandboxError::io("write initdb's log"))?;
        let mut child = process::clean(&binaries.program("initdb"), account, &data)
            .arg("-D")
            .arg(&data)
            .args(["-U", &options.user, "-E", "UTF8", "--locale", locale])
            .args(["--auth=scram-sha-256", "--no-sync"])
            .arg("--pwfile")
            .arg(&password_file)
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(SandboxError::io("run initdb"))?;
        match process::wait_for(&mut child, Duration::from_secs(120)) {
            Some(status) => Ok(status.success()),
            None => {
                process::end(&mut child, &[(Signal::SIGKILL, Duration::from_secs(10))]);
                Ok(false)
            }
        }
    };
    // A system without C.UTF-8 has C, which sorts alike.
    let made = match attempt("C.UTF-8") {
        Ok(false) => attempt("C"),
        other => other,
    };
    let removed = fs::remove_file(&password_file);
    if !made? {
        return Err(SandboxError::NotStarted {
            name: options.name.clone(),
            reason: "initdb failed".to_owned(),
            log: process::tail(&log),
        });
    }
    removed.map_err(SandboxError::io("remove the password file"))
}

/// A new file for its owner alone.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), SandboxError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .map_err(SandboxError::io(format!("write {}", path.display())))
}
