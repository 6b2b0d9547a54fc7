//! A new lock beside the one that is there: what differs, and the file.

use crate::report::lock::{LockState, SetLock};
use crate::snapshot::{Lock, ObjectKey};

/// The lock that is there.
pub(super) struct Place<'a> {
    /// How messages name it.
    pub(super) name: String,
    /// Its text, if there is one.
    pub(super) text: Option<&'a str>,
    /// The command that writes it.
    pub(super) again: &'a str,
}

/// Compares the new lock with the one that is there, and writes it where it differs and may be written.
pub(super) fn settle(new: &Lock, there: &Place<'_>, check: bool, report: &mut SetLock) {
    let old = there.text.map(|text| Lock::parse(&there.name, text));
    let current = match &old {
        // Major versions that are not installed here keep what they have, as long as the rest is the same.
        Some(Ok(old)) => old.restricted(&new.majors) == *new,
        Some(Err(_)) | None => false,
    };
    report.state = match (&old, current, check) {
        (_, true, _) => LockState::Current,
        (None, _, true) => LockState::Missing,
        (Some(_), _, true) => LockState::Stale,
        (_, _, false) => LockState::Written,
    };
    if let Some(Ok(old)) = &old {
        if report.state == LockState::Stale
            && !new.majors.iter().any(|major| old.majors.contains(major))
        {
            report.detail = Some(format!(
                "the lock speaks for PostgreSQL {}, and the server at hand is PostgreSQL {}: name a folder of one of the former, or run \
                 dbctl lock with --postgres-bin for each",
                majors(&old.majors),
                majors(&new.majors)
            ));
        } else if report.state == LockState::Stale {
            report.detail = Some(difference(&old.restricted(&new.majors), new, there.again));
        } else if report.state == LockState::Written {
            let dropped: Vec<u32> = old
                .majors
                .iter()
                .filter(|major| !new.majors.contains(major))
                .copied()
                .collect();
            if !dropped.is_empty() {
                report.detail = Some(format!(
                    "it no longer speaks for PostgreSQL {}, which was not at hand: name those servers with --postgres-bin too",
                    majors(&dropped)
                ));
            }
        }
    }
    if let (Some(Err(error)), LockState::Stale) = (&old, report.state) {
        report.detail = Some(error.to_string());
    }
    if report.state == LockState::Missing {
        report.detail = Some(format!(
            "run {} to write it, review it and check it in",
            there.again
        ));
    }
    if report.state == LockState::Written
        && let Err(problem) = write(new, report.path.as_deref())
    {
        report.state = LockState::BadSet;
        report.detail = Some(problem);
    }
}

fn majors(majors: &[u32]) -> String {
    let majors: Vec<String> = majors.iter().map(ToString::to_string).collect();
    majors.join(", ")
}

/// What differs between two locks, by name: enough to find it in the set; the whole difference is a `dbctl lock` and a `git diff`.
fn difference(old: &Lock, new: &Lock, again: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut note = |key: &ObjectKey, what: &str| {
        // What belongs to a table that differs as a whole is said with the table.
        let table = |lock: &Lock| {
            lock.objects.keys().any(|other| {
                !other.kind.is_part() && other.schema == key.schema && other.name == key.parent
            })
        };
        if !key.kind.is_part() {
            names.push(format!("{} {} {what}", key.kind.words(), key.name));
        } else if table(old) && table(new) {
            let (kind, table) = (key.kind.words(), &key.parent);
            names.push(format!("{kind} {table}.{} {what}", key.name));
        }
    };
    for (key, attributes) in &new.objects {
        match old.objects.get(key) {
            None => note(key, "is not in the lock"),
            Some(recorded) if recorded != attributes && old.majors == new.majors => {
                note(key, "differs")
            }
            Some(_) => {}
        }
    }
    for key in old
        .objects
        .keys()
        .filter(|key| !new.objects.contains_key(*key))
    {
        note(key, "is no longer produced");
    }
    let more = names.len().saturating_sub(5);
    names.truncate(5);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    if names.is_empty() {
        format!(
            "{}: run {again}, review the difference and check it in",
            other_difference(old, new)
        )
    } else {
        format!(
            "{}: run {again}, review the difference and check it in",
            names.join(", ")
        )
    }
}

/// What differs between two locks of the same catalog.
fn other_difference(old: &Lock, new: &Lock) -> String {
    if old.versions.is_empty() {
        return "the lock was written by an older dbctl and says nothing of the single versions"
            .to_owned();
    }
    let mut files: Vec<String> = Vec::new();
    for entry in &new.versions {
        match old.version(entry.version) {
            None => files.push(format!("{} is not in the lock", entry.file)),
            Some(known) if known.file != entry.file => {
                files.push(format!("{} was {} in the lock", entry.file, known.file));
            }
            Some(known) if known.sum != entry.sum => {
                files.push(format!("{} is not as it was in the lock", entry.file));
            }
            Some(known) if known.down != entry.down => {
                files.push(format!(
                    "the down script of {} is not as it was in the lock",
                    entry.file
                ));
            }
            Some(known) if known != entry => {
                files.push(format!(
                    "the catalog after {} is not as it was in the lock",
                    entry.file
                ));
            }
            Some(_) => {}
        }
    }
    let gone = old.versions.iter();
    files.extend(
        gone.filter(|entry| new.version(entry.version).is_none())
            .map(|entry| format!("{} is no longer in the set", entry.file)),
    );
    if files.is_empty() {
        "the major versions, or what only the generator writes, changed since the lock was written"
            .to_owned()
    } else {
        files.join(", ")
    }
}

/// Writes the file in one step, so that a killed run leaves the old one or the new one.
fn write(lock: &Lock, path: Option<&std::path::Path>) -> Result<(), String> {
    let Some((path, folder)) = path.and_then(|path| path.parent().map(|folder| (path, folder)))
    else {
        return Err(
            "the set is built in: name the folder of sets to write to with --sets DIR".to_owned(),
        );
    };
    let shown = path.display();
    let fail = |error: &dyn std::fmt::Display| format!("{shown} cannot be written: {error}");
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| fail(&error))?;
    std::io::Write::write_all(&mut file, lock.write().as_bytes()).map_err(|error| fail(&error))?;
    // A temporary file is private; the lock is a file of the repository like any other.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file.path(), mode).map_err(|error| fail(&error))?;
    file.persist(path).map_err(|error| fail(&error))?;
    Ok(())
}
