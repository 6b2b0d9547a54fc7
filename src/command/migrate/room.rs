//! Room on the disk below a database, where that is this host's.

use std::path::Path;

use nix::sys::statvfs::statvfs;

/// What must be free before a migration begins, in bytes: a server whose disk is full stops, and all its databases with it.
const LEAST: u64 = 64 << 20;

/// Why there is too little room for a migration, if so. A directory that cannot be read is one of another host, or of another user:
/// nothing is known then.
pub(super) fn problem(directory: &Path) -> Option<String> {
    too_little(directory, free(directory)?)
}

/// The bytes that an ordinary user may still write below a directory.
fn free(directory: &Path) -> Option<u64> {
    let seen = statvfs(directory).ok()?;
    Some(seen.blocks_available().saturating_mul(seen.fragment_size()))
}

fn too_little(directory: &Path, free: u64) -> Option<String> {
    const MIB: u64 = 1 << 20;
    (free < LEAST).then(|| {
        format!(
            "its data_dir {} has {} MiB free, and a migration is begun with {} MiB at least: make room there",
            directory.display(),
            free / MIB,
            LEAST / MIB
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::{LEAST, free, problem, too_little};

    #[test]
    fn the_directory_and_the_figure_are_named() {
        let directory = Path::new("/srv/pg/rgb");
        assert_eq!(too_little(directory, LEAST), None);
        let reason = too_little(directory, LEAST - 1).unwrap();
        assert!(reason.contains("/srv/pg/rgb has 63 MiB free"), "{reason}");
        assert!(reason.contains("64 MiB at least"), "{reason}");
    }

    #[test]
    fn what_is_not_here_is_not_judged() {
        assert_eq!(problem(Path::new("/no/such/place")), None);
        assert!(free(Path::new("/")).is_some());
    }
}
