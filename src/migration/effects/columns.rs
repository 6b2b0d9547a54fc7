//! Columns with their types, as far as texts declare them: to say which change of a type writes a table anew.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::keys::{child, last, of_kind, table_of};
use super::walk::Reader;
use super::{Act, names};

/// What happens to a column, or to all of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// It comes into being.
    Is {
        /// The column.
        name: String,
        /// Its type, where that is one of those below and has no collation.
        kind: Option<Kind>,
        /// Whether it may have been there before, as something else.
        perhaps: bool,
    },
    /// It gets another type.
    Becomes {
        /// The column.
        name: String,
        /// The type; `None` where its values are computed anew.
        kind: Option<Kind>,
    },
    /// It gets another name.
    Called {
        /// The column.
        name: String,
        /// Its new name.
        new: String,
    },
    /// A constraint or an index asks for more than its value: with a new type that is checked or made anew.
    Computed {
        /// The column.
        name: String,
    },
    /// A CHECK asks that it is not null.
    Checked {
        /// The column.
        name: String,
        /// The constraint.
        constraint: String,
        /// Whether the rows that are there were looked at.
        valid: bool,
    },
    /// The rows that are there were looked at for a constraint.
    Validated {
        /// The constraint.
        constraint: String,
    },
    /// A constraint goes.
    Unchecked {
        /// The constraint.
        constraint: String,
    },
    /// It is NOT NULL from now on.
    NotNull {
        /// The column.
        name: String,
    },
    /// It goes.
    Gone {
        /// The column.
        name: String,
    },
    /// The table gets another name.
    Table {
        /// The new name.
        new: String,
    },
}

/// A type whose modifier can be widened in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `text`
    Text,
    /// `varchar(n)`
    Varchar(Option<i32>),
    /// `bit varying(n)`
    Varbit(Option<i32>),
    /// `numeric(precision, scale)`
    Numeric(Option<(i32, i32)>),
    /// `timestamptz(n)` and its like, by its short name.
    Time(&'static str, Option<i32>),
}

impl Kind {
    /// Whether the server leaves the rows as they are when a column of this type gets that one (PostgreSQL documentation, ALTER TABLE,
    /// "Notes"; each type's planner support function says which modifiers are as wide).
    #[must_use]
    pub fn widens_to(&self, new: &Self) -> bool {
        let fits = |old: &Option<i32>, new: &Option<i32>| match (old, new) {
            (_, None) => true,
            (Some(old), Some(new)) => old <= new,
            (None, Some(_)) => false,
        };
        match (self, new) {
            (Self::Text | Self::Varchar(_), Self::Text)
            | (Self::Text, Self::Varchar(None))
            | (Self::Numeric(_), Self::Numeric(None)) => true,
            (Self::Varchar(old), Self::Varchar(new)) | (Self::Varbit(old), Self::Varbit(new)) => {
                fits(old, new)
            }
            (Self::Numeric(Some((old, scale))), Self::Numeric(Some((new, new_scale)))) => {
                old <= new && scale == new_scale
            }
            (Self::Time(name, old), Self::Time(new_name, new)) => {
                name == new_name && (fits(old, new) || *new == Some(MOST_DIGITS))
            }
            _ => false,
        }
    }
}

/// How many digits of a second the server keeps.
const MOST_DIGITS: i32 = 6;

/// Takes down what a node does to columns.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    match node.kind() {
        K::COLUMN | K::ADD_COLUMN => {
            let perhaps = is_perhaps(node) || reader.within.is_some();
            say(reader, node, at, K::COLUMN_NAME, |name| Column::Is {
                name,
                kind: kind_of(node),
                perhaps,
            });
        }
        K::ALTER_COLUMN => {
            if let Some(sets) = child(node, K::SET_TYPE) {
                let certain = reader.within.is_none();
                say(reader, node, at, K::COLUMN_NAME_REF, |name| {
                    let kind = kind_of(&sets).filter(|_| certain && is_plain(&sets, &name));
                    Column::Becomes { name, kind }
                });
            }
            if child(node, K::SET_NOT_NULL).is_some() {
                say(reader, node, at, K::COLUMN_NAME_REF, |name| {
                    Column::NotNull { name }
                });
            }
        }
        K::RENAME_COLUMN => {
            let new = child(node, K::COLUMN_NAME).map(|new| names::folded(&new));
            if let Some(new) = new {
                say(reader, node, at, K::COLUMN_NAME_REF, |name| {
                    Column::Called { name, new }
                });
            }
        }
        K::DROP_COLUMN => say(reader, node, at, K::COLUMN_NAME_REF, |name| Column::Gone {
            name,
        }),
        K::TABLE_RENAME_TO => {
            let new = child(node, K::TABLE_NAME).and_then(|new| names::path(&new));
            if let (Some(table), Some(new)) = (table_of(node), new) {
                let does = Column::Table { new: new.name };
                reader.say(at, Act::Column { table, does });
            }
        }
        K::CHECK_CONSTRAINT | K::EXCLUDE_CONSTRAINT => {
            if let Some(table) = table_of(node) {
                computed(reader, node, at, &table);
                checked(reader, node, at, table);
            }
        }
        K::VALIDATE_CONSTRAINT | K::DROP_CONSTRAINT => {
            let name = child(node, K::CONSTRAINT_NAME_REF).map(|name| last(&name));
            if let (Some(table), Some(constraint)) = (table_of(node), name) {
                let does = match node.kind() {
                    // Code that may not run proves nothing.
                    K::VALIDATE_CONSTRAINT if reader.within.is_some() => return,
                    K::VALIDATE_CONSTRAINT => Column::Validated { constraint },
                    _ => Column::Unchecked { constraint },
                };
                reader.say(at, Act::Column { table, does });
            }
        }
        K::CREATE_INDEX => {
            let plain = |item: &SyntaxNode| {
                item.kind() == K::PARTITION_ITEM && child(item, K::NAME_REF).is_some()
            };
            let items = child(node, K::PARTITION_ITEM_LIST);
            let by_columns = items.is_some_and(|items| items.children().all(|item| plain(&item)));
            let table = child(node, K::TABLE_RELATION_NAME).and_then(|table| names::path(&table));
            let all = by_columns && child(node, K::WHERE_CLAUSE).is_none();
            if let Some(table) = table.filter(|_| !all) {
                computed(reader, node, at, &table);
            }
        }
        _ => {}
    }
}

fn say(
    reader: &mut Reader,
    node: &SyntaxNode,
    at: usize,
    named: SyntaxKind,
    does: impl FnOnce(String) -> Column,
) {
    let column = child(node, named).map(|name| names::folded(&name));
    if let (Some(table), Some(column)) = (table_of(node), column) {
        let does = does(column);
        reader.say(at, Act::Column { table, does });
    }
}

fn computed(reader: &mut Reader, node: &SyntaxNode, at: usize, table: &super::Path) {
    for name in of_kind(node, SyntaxKind::NAME_REF) {
        let table = table.clone();
        let does = Column::Computed { name };
        reader.say(at, Act::Column { table, does });
    }
}

/// A CHECK that is `column IS NOT NULL` and nothing else.
fn checked(reader: &mut Reader, node: &SyntaxNode, at: usize, table: super::Path) {
    use SyntaxKind as K;
    let Some(condition) = ast::CheckConstraint::cast(node.clone()).and_then(|check| check.expr())
    else {
        return;
    };
    let words = condition.syntax().text().to_string().to_ascii_uppercase();
    let words: Vec<&str> = words
        .split(|c: char| c.is_whitespace() || c == '(' || c == ')')
        .filter(|word| !word.is_empty())
        .collect();
    let columns = of_kind(node, K::NAME_REF);
    if let ([_, "IS", "NOT", "NULL"], [name]) = (words.as_slice(), columns.as_slice())
        && reader.within.is_none()
    {
        let named = node
            .descendants()
            .find(|inner| inner.kind() == K::CONSTRAINT_NAME);
        let constraint = named.map_or_else(
            // The name that the server gives (PostgreSQL documentation, CREATE TABLE, "CONSTRAINT constraint_name").
            || format!("{}_{name}_check", table.name),
            |named| names::folded(&named),
        );
        let does = Column::Checked {
            name: name.clone(),
            constraint,
            valid: !node.descendants().any(|inner| inner.kind() == K::NOT_VALID),
        };
        reader.say(at, Act::Column { table, does });
    }
}

/// Whether IF NOT EXISTS may leave what is there.
fn is_perhaps(column: &SyntaxNode) -> bool {
    column.ancestors().take(3).any(|above| {
        above
            .children()
            .any(|child| child.kind() == SyntaxKind::IF_NOT_EXISTS)
    })
}

/// Whether the new values are the old ones: without USING, or with the column itself, cast to what it becomes.
fn is_plain(sets: &SyntaxNode, column: &str) -> bool {
    let Some(using) = child(sets, SyntaxKind::USING_EXPR) else {
        return true;
    };
    let Some(expression) = using.children().next() else {
        return false;
    };
    let names =
        |node: &SyntaxNode| node.kind() == SyntaxKind::NAME_REF && names::folded(node) == column;
    let casts = expression.kind() == SyntaxKind::CAST_EXPR
        && expression
            .children()
            .next()
            .is_some_and(|inner| names(&inner))
        && kind_of(&expression).is_some_and(|kind| Some(kind) == kind_of(sets));
    names(&expression) || casts
}

/// The type that a column, a SET TYPE or a cast has.
fn kind_of(node: &SyntaxNode) -> Option<Kind> {
    if child(node, SyntaxKind::COLLATE).is_some() {
        return None;
    }
    let kind = node.children().find_map(ast::Type::cast)?;
    kind_named(&kind.syntax().text().to_string().to_ascii_lowercase())
}

/// A type as it is written (PostgreSQL documentation, "Data Types").
fn kind_named(text: &str) -> Option<Kind> {
    let (before, rest) = text.split_once('(').unwrap_or((text, ""));
    let (numbers, after) = rest.split_once(')').unwrap_or(("", ""));
    let words = format!("{before} {after}");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let numbers: Vec<i32> = match numbers.trim() {
        "" => Vec::new(),
        numbers => numbers
            .split(',')
            .map(|number| number.trim().parse().ok())
            .collect::<Option<_>>()?,
    };
    let first = numbers.first().copied();
    Some(match words.strip_prefix("pg_catalog.").unwrap_or(&words) {
        "text" => Kind::Text,
        "varchar" | "character varying" | "char varying" => Kind::Varchar(first),
        "varbit" | "bit varying" => Kind::Varbit(first),
        "numeric" | "decimal" | "dec" => {
            let scale = numbers.get(1).copied().unwrap_or_default();
            Kind::Numeric(first.map(|precision| (precision, scale)))
        }
        "timestamp" | "timestamp without time zone" => Kind::Time("timestamp", first),
        "timestamptz" | "timestamp with time zone" => Kind::Time("timestamptz", first),
        "time" | "time without time zone" => Kind::Time("time", first),
        "timetz" | "time with time zone" => Kind::Time("timetz", first),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::kind_named;

    #[test]
    fn what_is_wider_leaves_the_rows_as_they_are() {
        for (old, new, widens) in [
            ("varchar(10)", "character varying (20)", true),
            ("varchar(10)", "varchar", true),
            ("varchar(10)", "pg_catalog.text", true),
            ("text", "varchar", true),
            ("text", "varchar(10)", false),
            ("varchar", "varchar(10)", false),
            ("varchar(20)", "varchar(10)", false),
            ("numeric(10, 2)", "decimal(12,2)", true),
            ("numeric(10,2)", "numeric", true),
            ("numeric(10,2)", "numeric(12,4)", false),
            ("numeric(10,2)", "numeric(8,2)", false),
            ("numeric", "numeric(10,2)", false),
            ("timestamptz(3)", "timestamp(6) with time zone", true),
            ("timestamptz", "timestamptz(6)", true),
            ("timestamptz", "timestamptz(3)", false),
            ("timestamp", "timestamptz", false),
            ("time(0)", "time without time zone", true),
            ("bit varying(4)", "varbit(8)", true),
            ("varbit(8)", "text", false),
        ] {
            let (old, new) = (kind_named(old).unwrap(), kind_named(new).unwrap());
            assert_eq!(old.widens_to(&new), widens, "{old:?} {new:?}");
        }
    }

    #[test]
    fn other_types_are_not_known() {
        for text in [
            "int",
            "char(4)",
            "bit(4)",
            "varchar(10)[]",
            "varchar(n)",
            "interval",
            "\"text\" x",
            "",
        ] {
            assert_eq!(kind_named(text), None, "{text}");
        }
    }
}
