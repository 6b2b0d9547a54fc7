//! The user that servers run as. PostgreSQL refuses root.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User, chown};

use super::error::SandboxError;

/// An ordinary user to become, where dbctl is root.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    uid: Uid,
    gid: Gid,
}

impl Account {
    /// The user that servers run as, or `None` where that is the caller's own.
    pub(crate) fn for_servers() -> Result<Option<Self>, SandboxError> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| {
                Some(Self {
                    name: user.name,
                    uid: user.uid,
                    gid: user.gid,
                })
            })
            .ok_or(SandboxError::NoUser)
    }

    /// Makes a child become this user. std drops the supplementary groups along with the uid.
    pub(crate) fn put_on(&self, command: &mut Command) {
        command.gid(self.gid.as_raw()).uid(self.uid.as_raw());
    }

    /// Gives a file or directory to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), SandboxError> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(|errno| SandboxError::Io {
            what: format!("give {} to the user {}", path.display(), self.name),
            source: errno.into(),
        })
    }
}
