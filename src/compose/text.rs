//! A value of a compose file with its place.

use super::Place;

pub use crate::dotenv::Text;
pub(super) use crate::dotenv::{CLOSE, OPEN};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The value.
    pub text: Text,
    /// Its place.
    pub place: Place,
}
