//! What lies in a set's folder and is no part of the set, though it holds SQL: nobody would apply it, and nobody has looked at it.

use std::path::Path;

use super::file::{FileName, belongs};
use crate::migration::dump::dumped_tables;
use crate::regular::read_head;

/// How much of a file is read to see whether it is a dump, in bytes.
const HEAD: u64 = 16 << 10;
/// How many files of the folders within a set's folder are looked at.
const MOST: usize = 2_000;
/// How deep such folders are looked through.
const DEEPEST: usize = 8;

/// Endings of what holds SQL, packed or under another name, and of pg_dump's own formats.
const PACKED: [&str; 12] = [
    "backup", "bz2", "ddl", "dump", "gz", "pgdump", "pgsql", "psql", "tar", "xz", "zip", "zst",
];
/// Endings of texts that people write about a set.
const PROSE: [&str; 4] = ["adoc", "markdown", "md", "rst"];

/// What lies in the folder and was not read, one sentence each.
pub(super) fn beside(directory: &Path) -> Vec<String> {
    let entries = match sorted(directory) {
        Ok(entries) => entries,
        Err(error) => {
            return vec![format!("{} cannot be read: {error}", directory.display())];
        }
    };
    let files = entries
        .iter()
        .filter(|name| !name.starts_with('.') && !belongs(name));
    files
        .filter_map(|name| {
            let path = directory.join(name);
            let shown = path.display();
            if path.is_dir() {
                return within(&path).map(|what| {
                    format!(
                        "folder {shown} {what}, and only the files of the set's own folder are read"
                    )
                });
            }
            let why = holds_sql(&path, name)?;
            Some(format!(
                "{shown} {why} and was not read: only V*__*.sql is applied"
            ))
        })
        .collect()
}

/// The names of what lies in a folder.
fn sorted(directory: &Path) -> std::io::Result<Vec<String>> {
    let entries = std::fs::read_dir(directory)?.collect::<std::io::Result<Vec<_>>>()?;
    let names = entries.iter().map(std::fs::DirEntry::file_name);
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// What a folder holds that may be SQL, or why that is not known.
fn within(folder: &Path) -> Option<String> {
    let mut waiting = vec![(folder.to_path_buf(), 1)];
    let mut seen = 0;
    while let Some((folder, depth)) = waiting.pop() {
        let names = match sorted(&folder) {
            Ok(names) => names,
            Err(error) => return Some(format!("cannot be read: {error}")),
        };
        for name in names {
            seen += 1;
            if seen > MOST || depth > DEEPEST {
                return Some(format!(
                    "holds more than {MOST} files, or folders more than {DEEPEST} deep"
                ));
            }
            let path = folder.join(&name);
            if path.is_dir() {
                // A link may lead back to a folder above it; the bounds end that.
                waiting.push((path, depth + 1));
            } else if belongs(&name) || holds_sql(&path, &name).is_some() {
                return Some(format!("holds {name}"));
            }
        }
    }
    None
}

/// Why a file may hold SQL, by its name or its beginning.
fn holds_sql(path: &Path, name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    if PACKED.contains(&ending) {
        return Some("is SQL of another form, or packed,");
    }
    // V7__more.txt, V7__more.sql.bak, V7__more.sql~
    let stem = name.split('.').next().unwrap_or_default();
    if lower.contains(".sql") || FileName::read(&format!("{stem}.sql")).is_ok() {
        return Some("is called like a migration, but for its ending,");
    }
    if PROSE.contains(&ending) {
        return None;
    }
    // What cannot be read has no tables that would be seen; a name says no more.
    let Ok(head) = read_head(path, HEAD) else {
        return Some("cannot be read");
    };
    // UTF-16 of what pg_dump writes is its text with a zero in every second byte.
    let text = String::from_utf8_lossy(&head).replace('\0', "");
    let is_dump = head.starts_with(b"PGDMP") || text.contains("-- PostgreSQL database dump");
    (is_dump || !dumped_tables(&text).is_empty()).then_some("holds SQL")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::beside;

    #[test]
    fn what_holds_sql_and_is_not_the_sets_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        let dump = "--\n-- PostgreSQL database dump\n--\n";
        let utf_16: Vec<u8> = dump.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, bytes) in [
            ("V1__a.sql", "CREATE TABLE a (b int);"),
            ("schema.lock", ""),
            ("README.md", "```sql\nCREATE TABLE a (b int);\n```"),
            ("notes.txt", "ask before you create a table"),
            (".V2__b.sql.swp", "CREATE TABLE b (b int);"),
            ("pictures/a.png", "x"),
        ] {
            write(name, bytes.as_bytes());
        }
        assert_eq!(beside(dir.path()), Vec::<String>::new());
        for (name, bytes) in [
            ("V6__x.sql.gz", b"\x1f\x8b".as_slice()),
            ("V7__x.txt", b"x".as_slice()),
            ("all.dump", b"PGDMP".as_slice()),
            ("dump.txt", dump.as_bytes()),
            ("old.sql~", b"x".as_slice()),
            ("seed", b"INSERT INTO a VALUES (1);".as_slice()),
            ("sub/deep/V8__x.sql", b"CREATE TABLE c (d int);".as_slice()),
            ("wide.txt", utf_16.as_slice()),
        ] {
            write(name, bytes);
            let said = beside(dir.path());
            let (first, _) = name.split_once('/').unwrap_or((name, ""));
            let own = said.iter().filter(|said| said.contains(first));
            assert_eq!(own.count(), 1, "{name}: {said:#?}");
        }
        assert_eq!(beside(dir.path()).len(), 8);
    }
}
