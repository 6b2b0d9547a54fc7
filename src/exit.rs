//! Exit codes. They are an interface: scripts rely on each of them.

/// How a run ended, as the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Done; for `verify` and `check`: everything was looked at and nothing is at or above `--fail-on`.
    Done,
    /// Findings at or above `--fail-on`, even if something else was not checked.
    Findings,
    /// Wrong usage: an unknown flag, command or service.
    Usage,
    /// The manifest, a set or a lock file is wrong, or a writing command refused a database that is not this service's.
    Refused,
    /// A target was unreachable, refused the log-in, or did not permit what was to be read.
    Incomplete,
    /// A migration failed; nothing of the failed transactional migration remains.
    MigrationFailed,
    /// The lock is held by another runner, or a lock timeout was reached.
    Locked,
    /// Interrupted; the running migration was rolled back.
    Interrupted,
}

impl Exit {
    /// Every exit code, in the order in which the worst of several is chosen (worst first).
    pub const BY_WEIGHT: [Self; 8] = [
        Self::Interrupted,
        Self::Usage,
        Self::MigrationFailed,
        Self::Refused,
        Self::Locked,
        Self::Findings,
        Self::Incomplete,
        Self::Done,
    ];

    /// The number that the process exits with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Incomplete => 4,
            Self::MigrationFailed => 5,
            Self::Locked => 6,
            Self::Interrupted => 130,
        }
    }

    /// The worse of two outcomes.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        Self::BY_WEIGHT
            .into_iter()
            .find(|exit| *exit == self || *exit == other)
            .unwrap_or(self)
    }

    /// The worst of many outcomes; [`Exit::Done`] when there is none.
    pub fn worst_of(exits: impl IntoIterator<Item = Self>) -> Self {
        exits.into_iter().fold(Self::Done, Self::worst)
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_are_the_contract() {
        let codes: Vec<u8> = Exit::BY_WEIGHT.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [130, 2, 5, 3, 6, 1, 4, 0]);
    }

    #[test]
    fn the_worst_decides() {
        assert_eq!(
            Exit::worst_of([Exit::Done, Exit::Incomplete, Exit::Findings]),
            Exit::Findings
        );
        assert_eq!(
            Exit::Locked.worst(Exit::MigrationFailed),
            Exit::MigrationFailed
        );
        assert_eq!(Exit::worst_of([]), Exit::Done);
    }
}
