//! Catalog objects as plain text: the same shape in a live database and in a schema lock.

use std::collections::BTreeMap;

/// The kind of a catalog object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A schema.
    Schema,
    /// An extension.
    Extension,
    /// A procedural language.
    Language,
    /// A type: enum, domain, composite or range; arrays and row types are implied by their base.
    Type,
    /// A collation.
    Collation,
    /// A sequence that no identity column implies.
    Sequence,
    /// An ordinary or partitioned table.
    Table,
    /// A foreign table.
    ForeignTable,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A function, procedure, aggregate or window function.
    Function,
    /// A column of a relation.
    Column,
    /// A constraint of a table.
    Constraint,
    /// An index that no constraint implies.
    Index,
    /// A trigger that is not internal.
    Trigger,
    /// A rewrite rule other than a view's own.
    Rule,
    /// A row security policy.
    Policy,
    /// An extended statistics object.
    Statistics,
    /// The hypertable side of a table (TimescaleDB).
    Hypertable,
    /// An event trigger.
    EventTrigger,
    /// A foreign data wrapper.
    Wrapper,
    /// A foreign server.
    Server,
    /// A publication.
    Publication,
    /// A subscription.
    Subscription,
    /// An operator.
    Operator,
    /// An operator class; its access method stands in `arguments`.
    OperatorClass,
    /// An operator family that no operator class of its name implies; its access method stands in `arguments`.
    OperatorFamily,
    /// A cast, named as in `text AS integer`.
    Cast,
    /// A conversion between encodings.
    Conversion,
    /// A text search configuration.
    TextSearchConfiguration,
    /// A text search dictionary.
    TextSearchDictionary,
    /// A text search parser.
    TextSearchParser,
    /// A text search template.
    TextSearchTemplate,
    /// A transform, named as in `FOR hstore LANGUAGE plperl`.
    Transform,
    /// An access method.
    AccessMethod,
    /// The large objects of one owner, named by the lowest OID. Data: in no lock.
    LargeObject,
}

impl Kind {
    /// Every kind, in the order in which a lock lists them.
    pub const ALL: [Self; 36] = [
        Self::Schema,
        Self::Extension,
        Self::Language,
        Self::Type,
        Self::Collation,
        Self::Sequence,
        Self::Table,
        Self::ForeignTable,
        Self::View,
        Self::MaterializedView,
        Self::Function,
        Self::Column,
        Self::Constraint,
        Self::Index,
        Self::Trigger,
        Self::Rule,
        Self::Policy,
        Self::Statistics,
        Self::Hypertable,
        Self::EventTrigger,
        Self::Wrapper,
        Self::Server,
        Self::Publication,
        Self::Subscription,
        Self::Operator,
        Self::OperatorClass,
        Self::OperatorFamily,
        Self::Cast,
        Self::Conversion,
        Self::TextSearchConfiguration,
        Self::TextSearchDictionary,
        Self::TextSearchParser,
        Self::TextSearchTemplate,
        Self::Transform,
        Self::AccessMethod,
        Self::LargeObject,
    ];

    /// One lower-case word: the value of `object.kind` in JSON and of `kind` in a lock.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Extension => "extension",
            Self::Language => "language",
            Self::Type => "type",
            Self::Collation => "collation",
            Self::Sequence => "sequence",
            Self::Table => "table",
            Self::ForeignTable => "foreign_table",
            Self::View => "view",
            Self::MaterializedView => "materialized_view",
            Self::Function => "function",
            Self::Column => "column",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Statistics => "statistics",
            Self::Hypertable => "hypertable",
            Self::EventTrigger => "event_trigger",
            Self::Wrapper => "wrapper",
            Self::Server => "server",
            Self::Publication => "publication",
            Self::Subscription => "subscription",
            Self::Operator => "operator",
            Self::OperatorClass => "operator_class",
            Self::OperatorFamily => "operator_family",
            Self::Cast => "cast",
            Self::Conversion => "conversion",
            Self::TextSearchConfiguration => "text_search_configuration",
            Self::TextSearchDictionary => "text_search_dictionary",
            Self::TextSearchParser => "text_search_parser",
            Self::TextSearchTemplate => "text_search_template",
            Self::Transform => "transform",
            Self::AccessMethod => "access_method",
            Self::LargeObject => "large_object",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind in words, for messages.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ForeignTable => "foreign table",
            Self::MaterializedView => "materialized view",
            Self::EventTrigger => "event trigger",
            Self::Wrapper => "foreign data wrapper",
            Self::Server => "foreign server",
            Self::OperatorClass => "operator class",
            Self::OperatorFamily => "operator family",
            Self::TextSearchConfiguration => "text search configuration",
            Self::TextSearchDictionary => "text search dictionary",
            Self::TextSearchParser => "text search parser",
            Self::TextSearchTemplate => "text search template",
            Self::AccessMethod => "access method",
            Self::LargeObject => "large object",
            _ => self.as_str(),
        }
    }

    /// Whether objects of this kind can be renamed or moved.
    #[must_use]
    pub const fn has_given_name(self) -> bool {
        !matches!(
            self,
            Self::Extension
                | Self::Language
                | Self::Cast
                | Self::Transform
                | Self::Hypertable
                | Self::AccessMethod
                | Self::LargeObject
        )
    }

    /// Whether an object of this kind is part of a relation and goes when the relation goes.
    #[must_use]
    pub const fn is_part(self) -> bool {
        matches!(
            self,
            Self::Column
                | Self::Constraint
                | Self::Index
                | Self::Trigger
                | Self::Rule
                | Self::Policy
                | Self::Hypertable
        )
    }

    /// Whether an object of this kind holds rows or stands for them.
    #[must_use]
    pub const fn is_relation(self) -> bool {
        matches!(
            self,
            Self::Table | Self::ForeignTable | Self::View | Self::MaterializedView
        )
    }
}

/// What identifies an object within its database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its schema; empty for objects that have none (extensions, event triggers, schemas themselves).
    pub schema: String,
    /// The relation that it is a part of; empty for objects of their own.
    pub parent: String,
    /// Its kind.
    pub kind: Kind,
    /// Its plain name.
    pub name: String,
    /// The identity arguments of a function, as in `text, integer`; empty otherwise.
    pub arguments: String,
}

impl ObjectKey {
    /// An object in words, with escapes for what would break a line.
    #[must_use]
    pub fn described(&self) -> String {
        let names = [&self.schema, &self.parent, &self.name];
        let path: Vec<&str> = names
            .into_iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        let arguments = match self.kind {
            Kind::Function => format!("({})", self.arguments.escape_debug()),
            _ => String::new(),
        };
        format!(
            "{} {}{arguments}",
            self.kind.words(),
            path.join(".").escape_debug()
        )
    }
}

/// One object of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What identifies it.
    pub key: ObjectKey,
    /// Its owner, where it has one of its own. Not part of a lock: roles are configuration.
    pub owner: Option<String>,
    /// The extension that it is a member of.
    pub extension: Option<String>,
    /// What else is true of it, by attribute name. The names are listed in `snapshot/attributes.rs`.
    pub attributes: BTreeMap<String, String>,
}
