//! Files that somebody else wrote, read with a bound.

use std::io::{Error, ErrorKind, Read as _};
use std::path::Path;

/// Reads a regular file of at most `limit` bytes. A pipe or a device would keep dbctl waiting, or feed it for ever.
///
/// # Errors
/// When it cannot be read, is not a regular file, or is too large.
pub(crate) fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    // Asked before it is opened: opening a pipe waits for its other end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    read_bounded(path, limit)
}

/// Reads at most `limit` bytes of whatever it is, also of a pipe.
///
/// # Errors
/// When it cannot be read, or is too large.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(Error::new(
            ErrorKind::FileTooLarge,
            format!("it is larger than {} MiB", limit >> 20),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::read_regular;

    #[test]
    fn neither_devices_nor_pipes_nor_endless_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, [b'x'; 100]).unwrap();
        assert_eq!(read_regular(&file, 100).unwrap().len(), 100);
        assert!(
            read_regular(&file, 99)
                .unwrap_err()
                .to_string()
                .contains("larger")
        );
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [pipe.as_path(), "/dev/zero".as_ref(), folder.path()] {
            let error = read_regular(path, 100).unwrap_err().to_string();
            assert!(error.contains("not a regular file"), "{error}");
        }
    }
}
