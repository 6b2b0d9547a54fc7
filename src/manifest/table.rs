//! The manifest as it is written: tables of known keys with their lines, not yet believed.
//!
//! The types have no `Debug`: they may hold passwords.

/// A whole manifest.
pub(super) struct Raw {
    /// `sets`, `topology` and `login_proof`.
    pub(super) top: Table,
    /// The services in the file's order.
    pub(super) services: Vec<Table>,
    /// The `[[allow]]` entries in the file's order.
    pub(super) allow: Vec<Table>,
}

/// A table of known keys.
pub(super) struct Table {
    /// The service's name; empty for other tables.
    pub(super) name: String,
    /// The path of the table in messages, as in `services.k-indexer`.
    pub(super) path: String,
    /// The line of its header.
    pub(super) line: usize,
    /// Its keys.
    pub(super) fields: Vec<Field>,
}

impl Table {
    /// The field of this key.
    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// Whether the field is there and its problem was reported.
    pub(super) fn broken(&self, key: &str) -> bool {
        self.field(key)
            .is_some_and(|field| matches!(field.value, Value::Broken) && field.flag.is_none())
    }

    /// The variables that each key reads.
    pub(super) fn variables(&self) -> Vec<(&'static str, Vec<String>)> {
        self.fields
            .iter()
            .filter_map(|field| match &field.value {
                Value::Variable { names, .. } => Some((field.key, names.clone())),
                _ => None,
            })
            .collect()
    }
}

/// One key and its value.
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) line: usize,
    /// The value that `--set` gave it.
    pub(super) flag: Option<String>,
    pub(super) value: Value,
}

/// A value as written.
pub(super) enum Value {
    /// Given by a flag only.
    Absent,
    /// A literal.
    Literal(Scalar),
    /// `{ env = …, default = … }`.
    Variable {
        names: Vec<String>,
        default: Option<Scalar>,
    },
    /// Already reported.
    Broken,
}

/// A value of one of TOML's simple types.
#[derive(Clone)]
pub(super) enum Scalar {
    Text(String),
    Integer(i128),
    Bool(bool),
    Date(u16, u8, u8),
}

impl Scalar {
    /// How a message shows the value.
    pub(super) fn found(&self, secret: bool) -> String {
        match self {
            _ if secret => "another kind of value".to_owned(),
            Self::Text(text) => format!("{text:?}"),
            Self::Integer(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Date(..) => "a date".to_owned(),
        }
    }
}
