//! A value and where it came from.

use std::path::PathBuf;

/// Where a value came from. A flag beats the environment, which beats `.env`, which beats the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `--set SERVICE.KEY=VALUE`.
    Flag,
    /// This environment variable.
    Env(String),
    /// This variable in the file `.env` of the working directory.
    DotEnv(String),
    /// A literal in the manifest, on this line.
    File(usize),
    /// The manifest's `default` for a variable that is not set.
    Default,
    /// A literal of the built-in manifest.
    BuiltIn,
    /// A file where libpq looks for it in the home directory.
    Home,
    /// libpq's password file, and the line in it.
    PasswordFile(PathBuf, Option<usize>),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("flag --set"),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::DotEnv(name) => write!(f, ".env {name}"),
            Self::File(line) => write!(f, "file line {line}"),
            Self::Default => f.write_str("default"),
            Self::BuiltIn => f.write_str("built in"),
            Self::Home => f.write_str("home directory"),
            Self::PasswordFile(path, None) => write!(f, "password file {}", path.display()),
            Self::PasswordFile(path, Some(line)) => {
                write!(f, "password file {}:{line}", path.display())
            }
        }
    }
}

/// A value together with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}
