//! The texts that an expression can give.

use super::UNKNOWN;

/// The most texts that one expression is followed to.
const MOST: usize = 64;

/// What an expression can give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::migration::effects) struct Value {
    /// Every text that is known, with [`UNKNOWN`] in place of a part that is not.
    pub(in crate::migration::effects) texts: Vec<String>,
    /// Whether it can give something else, too.
    pub(in crate::migration::effects) open: bool,
}

impl Value {
    pub(super) fn known(text: impl Into<String>) -> Self {
        Self {
            texts: vec![text.into()],
            open: false,
        }
    }

    pub(super) fn unknown() -> Self {
        Self {
            texts: vec![UNKNOWN.to_owned()],
            open: true,
        }
    }

    pub(super) fn or(mut self, other: Self) -> Self {
        self.open |= other.open;
        for text in other.texts {
            if self.texts.len() >= MOST {
                self.open = true;
                break;
            }
            if !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
        self
    }

    pub(super) fn then(self, other: &Self) -> Self {
        let mut joined = Self {
            texts: Vec::new(),
            open: self.open || other.open,
        };
        for head in &self.texts {
            for tail in &other.texts {
                if joined.texts.len() >= MOST {
                    joined.open = true;
                    return joined;
                }
                joined.texts.push(format!("{head}{tail}"));
            }
        }
        joined
    }

    pub(super) fn map(mut self, change: impl Fn(&str) -> String) -> Self {
        for text in &mut self.texts {
            *text = change(text);
        }
        self
    }
}
