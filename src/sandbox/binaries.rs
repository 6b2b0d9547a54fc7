//! Where a server's programs are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::SandboxError;
use super::places::{expand, places, set};

/// The variable that names the folder of server binaries.
pub const VARIABLE: &str = "DBCTL_POSTGRES_BIN";

/// The folder of one server's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder: `postgres` and `initdb` are in it.
    pub bin: PathBuf,
    /// The server's major version.
    pub major: u32,
    /// Whether TimescaleDB is installed beside it.
    pub timescaledb: bool,
}

impl Binaries {
    /// The path of one program. Not every package has all of them: `psql` and `pg_dump` may be missing.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn describe(&self) -> String {
        let with = if self.timescaledb { "with" } else { "without" };
        format!("PostgreSQL {}, {with} TimescaleDB", self.major)
    }
}

/// What the server must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Need {
    /// TimescaleDB must be installed beside it.
    pub timescaledb: bool,
    /// This major version; `None` means the newest there is.
    pub major: Option<u32>,
}

impl Need {
    fn is_met_by(self, binaries: &Binaries) -> bool {
        (binaries.timescaledb || !self.timescaledb)
            && self.major.is_none_or(|major| major == binaries.major)
    }

    fn describe(self) -> String {
        let major = self
            .major
            .map_or(String::new(), |major| format!(" {major}"));
        let with = if self.timescaledb {
            " with TimescaleDB"
        } else {
            ""
        };
        format!("PostgreSQL{major}{with}")
    }

    fn install(self) -> String {
        let major = self.major.unwrap_or(17);
        let extension = if self.timescaledb {
            format!(" postgresql-{major}-timescaledb")
        } else {
            String::new()
        };
        format!(
            "on Debian 13 `apt-get install postgresql-{major}{extension}`; anywhere else with Debian's apt \
             `scripts/postgres-runtime.sh {major}` of dbctl's repository; or name a folder with {VARIABLE}"
        )
    }
}

/// The binaries to use: the folder that the caller names, else the newest that will do.
///
/// # Errors
/// When the named folder will not do, or there is none.
pub fn find(
    explicit: Option<&Path>,
    env: &BTreeMap<String, String>,
    need: Need,
) -> Result<Binaries, SandboxError> {
    if let Some((folder, source_name)) = named(explicit, env) {
        return inspect(&folder)
            .and_then(|binaries| {
                if need.is_met_by(&binaries) {
                    Ok(binaries)
                } else {
                    Err(format!(
                        "{} is needed, and this is {}",
                        need.describe(),
                        binaries.describe()
                    ))
                }
            })
            .map_err(|reason| SandboxError::Unsuitable {
                folder,
                source_name,
                reason,
                install: need.install(),
            });
    }
    let (found, looked_at) = search(env);
    found
        .into_iter()
        .find(|binaries| need.is_met_by(binaries))
        .ok_or_else(|| SandboxError::NoBinaries {
            need: need.describe(),
            install: need.install(),
            looked_at,
        })
}

/// All the binaries that will do, newest first; a named folder is the only one.
#[must_use]
pub fn find_all(
    explicit: Option<&Path>,
    env: &BTreeMap<String, String>,
    need: Need,
) -> Vec<Binaries> {
    let found = match named(explicit, env) {
        Some((folder, _)) => inspect(&folder).into_iter().collect(),
        None => search(env).0,
    };
    found
        .into_iter()
        .filter(|binaries| need.is_met_by(binaries))
        .collect()
}

fn named(
    explicit: Option<&Path>,
    env: &BTreeMap<String, String>,
) -> Option<(PathBuf, &'static str)> {
    explicit
        .map(|folder| (folder.to_owned(), "--postgres-bin"))
        .or_else(|| set(env, VARIABLE).map(|folder| (PathBuf::from(folder), VARIABLE)))
}

/// Every server of this machine, newest first, and a line on each place.
fn search(env: &BTreeMap<String, String>) -> (Vec<Binaries>, Vec<String>) {
    let mut found: Vec<Binaries> = Vec::new();
    let mut looked_at = Vec::new();
    for place in places(env) {
        let folders = expand(&place);
        if folders.is_empty() {
            looked_at.push(format!("{place}: not there"));
        }
        for folder in folders {
            match inspect(&folder) {
                Ok(binaries) => {
                    looked_at.push(format!("{}: {}", folder.display(), binaries.describe()));
                    if !found.iter().any(|other| other.bin == binaries.bin) {
                        found.push(binaries);
                    }
                }
                Err(reason) => looked_at.push(format!("{}: {reason}", folder.display())),
            }
        }
    }
    // Stable: of one major version the first place wins.
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    looked_at.push("PATH".to_owned());
    for folder in set(env, "PATH").into_iter().flat_map(std::env::split_paths) {
        // Distributions link single programs into PATH; the folder behind the link is the server's.
        let Ok(server) = folder.join("postgres").canonicalize() else {
            continue;
        };
        let behind = server.parent().map(inspect);
        if let Some(Ok(binaries)) = behind
            && !found.iter().any(|other| other.bin == binaries.bin)
        {
            looked_at.push(format!("{}: {}", folder.display(), binaries.describe()));
            found.push(binaries);
        }
    }
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    (found, looked_at)
}

/// What the folder holds, or what is missing in it.
fn inspect(folder: &Path) -> Result<Binaries, String> {
    // Absolute, since the server's own working directory is another one.
    let bin = folder
        .canonicalize()
        .map_err(|error| format!("cannot be entered ({error})"))?;
    let missing: Vec<&str> = ["postgres", "initdb"]
        .into_iter()
        .filter(|program| !bin.join(program).is_file())
        .collect();
    if !missing.is_empty() {
        return Err(format!("there is no {} in it", missing.join(" and no ")));
    }
    let version = output(&bin.join("postgres"), "--version")?;
    let major = major(&version).ok_or_else(|| {
        format!(
            "`postgres --version` says {:?}, which is no version",
            version.trim()
        )
    })?;
    let timescaledb = has_timescaledb(&bin, major);
    Ok(Binaries {
        bin,
        major,
        timescaledb,
    })
}

fn output(program: &Path, argument: &str) -> Result<String, String> {
    let name = program.file_name().unwrap_or_default().display();
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{name} {argument}` cannot be run ({error})"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!(
            "`{name} {argument}` fails: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}

/// The major version in `postgres (PostgreSQL) 17.6 (Debian 17.6-1)`.
fn major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL)")?;
    let digits: String = number
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

fn has_timescaledb(bin: &Path, major: u32) -> bool {
    let control = |share: &Path| share.join("extension/timescaledb.control").is_file();
    let debian = format!("../../../../share/postgresql/{major}");
    let near = ["../share", "../share/postgresql", debian.as_str()];
    near.iter().any(|share| control(&bin.join(share)))
        || output(&bin.join("pg_config"), "--sharedir")
            .is_ok_and(|share| control(Path::new(share.trim())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn versions() {
        assert_eq!(
            major("postgres (PostgreSQL) 17.11 (Debian 17.11-0+deb13u1)\n"),
            Some(17)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("something else 17"), None);
    }

    /// A server as far as `inspect` looks.
    fn pretend(bin: &Path, version: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(bin).unwrap();
        for program in ["postgres", "initdb"] {
            let path = bin.join(program);
            std::fs::write(
                &path,
                format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"),
            )
            .unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    fn environment(entries: &[(&str, &Path)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.display().to_string()))
            .collect()
    }

    #[test]
    fn the_cache_is_searched_newest_first() {
        let cache = tempfile::tempdir().unwrap();
        // Versions that no machine has, so that its own servers do not matter.
        for major in ["901", "902"] {
            pretend(
                &cache
                    .path()
                    .join(format!("postgresql-{major}/usr/lib/postgresql/{major}/bin")),
                &format!("{major}.3"),
            );
        }
        let share = cache
            .path()
            .join("postgresql-901/usr/share/postgresql/901/extension");
        std::fs::create_dir_all(&share).unwrap();
        std::fs::write(share.join("timescaledb.control"), "").unwrap();
        let env = environment(&[("DBCTL_CACHE", cache.path())]);

        assert_eq!(find(None, &env, Need::default()).unwrap().major, 902);
        let need = Need {
            timescaledb: true,
            major: Some(901),
        };
        let found = find(None, &env, need).unwrap();
        assert!(found.timescaledb);
        assert_eq!(find_all(None, &env, need), [found]);
    }

    #[test]
    fn a_named_folder_must_be_right() {
        let empty = tempfile::tempdir().unwrap();
        let env = environment(&[(VARIABLE, empty.path())]);
        let message = find(None, &env, Need::default()).unwrap_err().to_string();
        assert!(message.contains(VARIABLE), "{message}");
        assert!(
            message.contains("there is no postgres and no initdb in it"),
            "{message}"
        );

        pretend(empty.path(), "17.6");
        let need = Need {
            timescaledb: true,
            major: None,
        };
        let message = find(Some(empty.path()), &BTreeMap::new(), need)
            .unwrap_err()
            .to_string();
        assert!(message.contains("--postgres-bin"), "{message}");
        assert!(
            message.contains("PostgreSQL with TimescaleDB is needed, and this is PostgreSQL 17, without TimescaleDB"),
            "{message}"
        );
        // The flag beats the variable.
        let wrong = environment(&[(VARIABLE, Path::new("/nonexistent"))]);
        assert!(find(Some(empty.path()), &wrong, Need::default()).is_ok());
    }

    #[test]
    fn none_found_says_what_to_install_and_where_it_looked() {
        let need = Need {
            timescaledb: true,
            major: Some(903),
        };
        let env = environment(&[("HOME", Path::new("/nonexistent"))]);
        let message = find(None, &env, need).unwrap_err().to_string();
        for part in [
            "PostgreSQL 903 with TimescaleDB is needed",
            "postgresql-903-timescaledb",
            "scripts/postgres-runtime.sh",
            "/usr/lib/postgresql/",
            "/nonexistent/.cache/dbctl/postgresql-*",
        ] {
            assert!(message.contains(part), "{part} is not in {message}");
        }
    }
}
