//! A fact, or the reason why it is not known.

use super::Gap;

/// Something that was read, or the reason why it could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It could not be read.
    Unknown(Gap),
}

impl<T> Fact<T> {
    /// The fact, or the gap: `?` on it makes a rule say "not checked".
    ///
    /// # Errors
    /// The gap, when the fact is not known.
    pub fn get(&self) -> Result<&T, Gap> {
        match self {
            Self::Known(fact) => Ok(fact),
            Self::Unknown(gap) => Err(gap.clone()),
        }
    }

    /// The gap, where the fact is not known.
    pub const fn gap_mut(&mut self) -> Option<&mut Gap> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(gap) => Some(gap),
        }
    }

    /// The fact, if it is known.
    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) => None,
        }
    }
}
