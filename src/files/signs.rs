//! What the names and first bytes of a directory's entries say of the engine that it belongs to.

use std::ffi::OsStr;
use std::path::Path;

use super::{Engine, foreign, is_missing};

// What initdb and the server leave in a data directory, the surest first (the page "Database File Layout").
const POSTGRES: [&str; 9] = [
    "PG_VERSION",
    "postgresql.conf",
    "pg_hba.conf",
    "postmaster.pid",
    "postgresql.auto.conf",
    "postmaster.opts",
    "standby.signal",
    "recovery.signal",
    "pg_control",
];

// The server's socket and the socket's lock file: `.s.PGSQL.5432`, `.s.PGSQL.5432.lock`.
const SOCKET: &str = ".s.PGSQL.";

// What fjall 2 keeps beside its `version` file, from the first moment on.
const FJALL: [&str; 2] = ["journals", "partitions"];

/// What the entries of one directory say together.
#[derive(Default)]
pub(super) struct Signs {
    postgres: Option<&'static str>,
    /// What `CURRENT` names, and whether the line is ended: RocksDB refuses one that is not.
    manifest: Option<(String, bool)>,
    fjall: Option<&'static str>,
    other: Option<Engine>,
}

impl Signs {
    /// The engines whose database this directory is.
    pub(super) fn engines(self, folder: &Path) -> impl Iterator<Item = Engine> {
        let postgres = self.postgres.map(|marker| Engine::Postgres { marker });
        let rocksdb = self.manifest.map(|(manifest, is_ended)| Engine::RocksDb {
            torn: torn(&folder.join(&manifest), is_ended),
            manifest,
        });
        let fjall = self.fjall.map(|marker| Engine::Fjall {
            marker,
            lacks: FJALL.into_iter().find(|part| !folder.join(part).is_dir()),
        });
        [postgres, rocksdb, fjall, self.other].into_iter().flatten()
    }

    /// The engine of a file that is a database by itself. Of one that is a part of its directory, it is kept for that.
    pub(super) fn other(&mut self, name: &OsStr, head: &[u8]) -> Option<Engine> {
        let (engine, directory) = foreign::engine(name, head)?;
        let engine = Engine::Other {
            name: engine,
            marker: name.to_string_lossy().into_owned(),
            directory,
        };
        if !directory {
            return Some(engine);
        }
        self.other.get_or_insert(engine);
        None
    }

    /// What the name and the first bytes of a file say.
    pub(super) fn file(&mut self, name: &OsStr, head: &[u8]) {
        if let Some(marker) = POSTGRES.into_iter().find(|marker| name == *marker) {
            let is_one = marker != "PG_VERSION" || is_version(head);
            self.postgres = self.postgres.or(is_one.then_some(marker));
        } else if name == "CURRENT" {
            self.manifest = std::str::from_utf8(head)
                .ok()
                .filter(|text| text.starts_with("MANIFEST-"))
                .map(|text| (text.trim_end().to_owned(), text.ends_with('\n')));
        } else if is_socket(name) {
            self.postgres.get_or_insert(SOCKET);
        } else if name == ".fjall" {
            self.fjall = Some(".fjall");
        } else if name == "version" && head.starts_with(b"FJL") {
            self.fjall = Some("version");
        }
    }

    /// What is neither a file nor a directory.
    pub(super) fn special(&mut self, name: &OsStr) {
        if is_socket(name) {
            self.postgres.get_or_insert(SOCKET);
        }
    }
}

fn is_socket(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(SOCKET.as_bytes())
}

/// Why RocksDB cannot open what `CURRENT` names.
fn torn(manifest: &Path, is_ended: bool) -> Option<&'static str> {
    match std::fs::metadata(manifest) {
        Err(error) if is_missing(&error) => Some("that file is not there"),
        Ok(meta) if !meta.is_file() => Some("that is not a file"),
        Ok(meta) if meta.len() == 0 => Some("that file is empty"),
        _ if !is_ended => Some("CURRENT does not end with its line"),
        _ => None,
    }
}

/// Whether the text is a version, as `17` or `9.6`.
pub(super) fn is_version(head: &[u8]) -> bool {
    let text = head.trim_ascii();
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}
