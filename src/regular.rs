//! Files that somebody else wrote, read with a bound.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::fcntl::OFlag;

/// Reads a regular file of at most `limit` bytes. A pipe or a device would keep dbctl waiting, or feed it for ever.
///
/// # Errors
/// When it cannot be read, is not a regular file, or is too large.
pub(crate) fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let (file, length) = open_regular(path)?;
    read(file, limit, length)
}

/// The beginning of a regular file: at most `limit` bytes, whatever follows.
///
/// # Errors
/// When it cannot be read, or is not a regular file.
#[cfg(feature = "cli")]
pub(crate) fn read_head(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    open_regular(path)?.0.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file, and how long it is.
fn open_regular(path: &Path) -> Result<(File, u64), Error> {
    let irregular = || Error::new(ErrorKind::InvalidInput, "it is not a regular file");
    let opened = OpenOptions::new()
        .read(true)
        // Opening a pipe would wait for its other end.
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path);
    let file = opened.map_err(|error| match std::fs::metadata(path) {
        // A socket cannot be opened at all.
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => irregular(),
        _ => error,
    })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(irregular());
    }
    Ok((file, metadata.len()))
}

/// Reads at most `limit` bytes of whatever it is, also of a pipe.
///
/// # Errors
/// When it cannot be read, or is too large.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    read(File::open(path)?, limit, 0)
}

/// Reads at most `limit` bytes of what was so long when it was opened; 0 where that is not known, as of a pipe or below `/proc`.
fn read(file: File, limit: u64, length: u64) -> Result<Vec<u8>, Error> {
    /// A reader that has less room than this probes with small reads whether there is more.
    const ROOM: usize = 64;
    let expected = usize::try_from(length.min(limit)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(expected.saturating_add(ROOM));
    // Of a known length no read is needed to see that nothing follows: a system has thousands of files.
    let most = match length {
        0 => limit + 1,
        length => length.min(limit + 1),
    };
    file.take(most).read_to_end(&mut bytes)?;
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
        #[cfg(feature = "cli")]
        assert_eq!(super::read_head(&file, 99).unwrap().len(), 99);
        assert!(
            read_regular(&file, 99)
                .unwrap_err()
                .to_string()
                .contains("larger")
        );
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [pipe.as_path(), &socket, "/dev/zero".as_ref(), folder.path()] {
            let error = read_regular(path, 100).unwrap_err().to_string();
            assert!(error.contains("not a regular file"), "{error}");
        }
    }
}
