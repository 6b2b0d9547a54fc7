//! A schema lock that is read when it is first asked for: a run about one service seldom asks for those of the others.

use std::ops::Deref;
use std::sync::LazyLock;

use super::Lock;
use crate::snapshot::Fact;

/// Reads the lock.
type Reading = Box<dyn FnOnce() -> Fact<Lock> + Send>;

/// A schema lock, or why there is none, known from the first look on.
#[derive(Debug)]
pub struct DeferredLock(LazyLock<Fact<Lock>, Reading>);

impl DeferredLock {
    /// A lock that `read` reads.
    #[must_use]
    pub fn new(read: impl FnOnce() -> Fact<Lock> + Send + 'static) -> Self {
        Self(LazyLock::new(Box::new(read)))
    }

    /// Reads it now.
    pub fn read(&self) {
        LazyLock::force(&self.0);
    }
}

impl Deref for DeferredLock {
    type Target = Fact<Lock>;

    fn deref(&self) -> &Fact<Lock> {
        &self.0
    }
}

/// Where a schema lock is found.
#[derive(Debug, Clone, Copy)]
pub enum LockSource<'a> {
    /// Nowhere.
    Absent,
    /// It was read before.
    Read(&'a Lock),
    /// It is read when it is asked for.
    Deferred(&'a DeferredLock),
}

impl<'a> LockSource<'a> {
    /// The lock, where there is one that can be read.
    #[must_use]
    pub fn get(self) -> Option<&'a Lock> {
        match self {
            Self::Absent => None,
            Self::Read(lock) => Some(lock),
            Self::Deferred(lock) => lock.known(),
        }
    }
}

impl<'a> From<Option<&'a Lock>> for LockSource<'a> {
    fn from(lock: Option<&'a Lock>) -> Self {
        lock.map_or(Self::Absent, Self::Read)
    }
}
