//! Which texts an expression can give, so that SQL which a block puts together is read like any other: literals, `||`, format() and
//! its like, variables that only ever hold known texts, loops over lists.

mod chunks;
mod functions;
mod into;
mod value;

use std::collections::BTreeMap;

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names;
use functions::{
    character, elements, formatted, parts, quoted_name, quoted_text, replaced, separated,
};
pub(super) use value::Value;

/// What stands in a text for a part that is not known.
pub const UNKNOWN: &str = "dbctl_unknown";
/// What stands for the database that the script runs in.
pub const CURRENT_DATABASE: &str = "dbctl_current_database";
/// What stands for the role that runs the script.
pub const CURRENT_USER: &str = "dbctl_current_user";

/// The variables of a block of code, with everything that is ever put into them.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, Value>);

impl Variables {
    /// The variables of a block's tree, and of statements of it that fill variables beside.
    pub(super) fn of(block: &SyntaxNode, fill: &[String]) -> Self {
        let mut variables = Self::default();
        // Twice: a loop may use what a later line of it sets.
        for _ in 0..2 {
            for node in block.descendants() {
                variables.read(&node);
            }
            for statement in fill {
                variables.select(statement);
            }
        }
        variables
    }

    fn read(&mut self, node: &SyntaxNode) {
        use SyntaxKind as K;
        match node.kind() {
            K::PLPGSQL_VAR_DECL => {
                let init = child(node, K::PLPGSQL_VAR_INIT);
                let value = init
                    .and_then(|init| child(&init, K::PLPGSQL_EXPR))
                    .map(|init| self.value(&init));
                if let Some(name) = child(node, K::PLPGSQL_VAR_NAME) {
                    self.add(names::folded(&name), value.unwrap_or_default());
                }
            }
            K::PLPGSQL_ASSIGN_STMT => {
                let value = child(node, K::PLPGSQL_EXPR).map(|value| self.value(&value));
                self.fill(node, value.unwrap_or_else(Value::unknown));
            }
            K::PLPGSQL_FOR_EACH_STMT
            | K::PLPGSQL_FOR_QUERY_STMT
            | K::PLPGSQL_FOR_I_STMT
            | K::PLPGSQL_FOR_DYN_STMT
            | K::PLPGSQL_FOR_CURSOR_STMT => {
                let rows = self.goes_through(node);
                self.fill(node, rows);
            }
            K::PLPGSQL_INTO_TARGET | K::PLPGSQL_DIAG_TARGET => self.fill(node, Value::unknown()),
            K::ERROR => self.select(&node.text().to_string()),
            _ => {}
        }
    }

    /// Takes what a statement of SQL puts into variables.
    fn select(&mut self, statement: &str) {
        let Some(into) = into::into(statement) else {
            return;
        };
        let mut values: Vec<Value> = into.values.iter().map(|value| self.value(value)).collect();
        if into.variables.len() == 1 {
            let row = values.drain(..).reduce(Value::or);
            values.extend(row);
        }
        let mut values = values.into_iter();
        for variable in into.variables {
            self.add(variable, values.next().unwrap_or_else(Value::unknown));
        }
    }

    /// Puts a value into the variables that a statement fills.
    fn fill(&mut self, statement: &SyntaxNode, value: Value) {
        use SyntaxKind as K;
        let targets: Vec<String> = statement
            .children()
            .filter(|child| !matches!(child.kind(), K::PLPGSQL_BODY | K::PLPGSQL_EXPR))
            .flat_map(|child| child.descendants().collect::<Vec<_>>())
            .filter(|inner| inner.kind() == K::PLPGSQL_VAR_NAME_REF)
            .map(|name| names::folded(&name))
            .collect();
        for target in targets {
            self.add(target, value.clone());
        }
    }

    fn add(&mut self, name: String, value: Value) {
        let known = self.0.remove(&name).unwrap_or_default();
        self.0.insert(name, known.or(value));
    }

    /// What an expression can give.
    pub(super) fn value(&self, node: &SyntaxNode) -> Value {
        use SyntaxKind as K;
        let first = || node.children().find(|child| child.kind() != K::PATH_TYPE);
        match node.kind() {
            K::LITERAL => {
                let text = node.text().to_string();
                match literal(node) {
                    Some(literal) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
                        Value::known(literal)
                    }
                    _ => Value::known(text),
                }
            }
            K::PLPGSQL_EXPR if child(node, K::FROM_CLAUSE).is_some() => Value::unknown(),
            K::PLPGSQL_EXPR
            | K::TARGET_LIST
            | K::TARGET
            | K::PAREN_EXPR
            | K::CAST_EXPR
            | K::COLLATE
            | K::ARG
            | K::SLICE_EXPR => first().map_or_else(Value::unknown, |inner| self.value(&inner)),
            K::INDEX_EXPR => {
                first().map_or_else(Value::unknown, |array| elements(self.value(&array)))
            }
            K::NAMED_ARG => node
                .children()
                .last()
                .map_or_else(Value::unknown, |inner| self.value(&inner)),
            K::ARRAY_EXPR => node
                .children()
                .map(|element| self.value(&element))
                .fold(Value::default(), Value::or),
            K::CASE_EXPR => node
                .descendants()
                .filter(|inner| matches!(inner.kind(), K::WHEN_CLAUSE | K::ELSE_CLAUSE))
                .filter_map(|branch| branch.children().last())
                .map(|result| self.value(&result))
                .fold(Value::default(), Value::or),
            K::BIN_EXPR => self.joined(node),
            K::NAME_REF => self.variable(node),
            // A field of a row that a loop goes through.
            K::FIELD_EXPR => first().map_or_else(Value::unknown, |base| self.value(&base)),
            K::CALL_EXPR => self.call(node),
            _ => Value::unknown(),
        }
    }

    fn variable(&self, node: &SyntaxNode) -> Value {
        let name = names::folded(node);
        match name.as_str() {
            "current_user" | "session_user" | "current_role" | "user" => Value::known(CURRENT_USER),
            "current_catalog" => Value::known(CURRENT_DATABASE),
            "current_schema" => Value::known("public"),
            _ => {
                let known = self.chunk(node, &name);
                let known = known.or_else(|| self.looped(node, &name));
                let known = known.or_else(|| self.0.get(&name).cloned());
                known
                    .filter(|value| !value.texts.is_empty())
                    .unwrap_or_else(Value::unknown)
            }
        }
    }

    /// What the innermost loop around a node puts into a variable.
    fn looped(&self, node: &SyntaxNode, name: &str) -> Option<Value> {
        use SyntaxKind as K;
        let body = node
            .ancestors()
            .filter(|above| above.kind() == K::PLPGSQL_BODY)
            .find(|body| {
                body.parent().is_some_and(|statement| {
                    statement
                        .children()
                        .filter(|child| child.kind() == K::PLPGSQL_FOR_VARIABLE)
                        .filter_map(|variable| child(&variable, K::PLPGSQL_VAR_NAME_REF))
                        .any(|variable| names::folded(&variable) == name)
                })
            })?;
        Some(self.goes_through(&body.parent()?))
    }

    /// What a loop goes through.
    fn goes_through(&self, statement: &SyntaxNode) -> Value {
        use SyntaxKind as K;
        match statement.kind() {
            K::PLPGSQL_FOR_EACH_STMT => child(statement, K::PLPGSQL_EXPR)
                .map_or_else(Value::unknown, |array| elements(self.value(&array))),
            K::PLPGSQL_FOR_QUERY_STMT => statement
                .children()
                .find(|child| !matches!(child.kind(), K::PLPGSQL_FOR_VARIABLE | K::PLPGSQL_LABEL))
                .map_or_else(Value::unknown, |query| self.rows(&query)),
            _ => Value::unknown(),
        }
    }

    /// What the rows of a query can hold: its texts, the hypertables whose chunks it lists, and anything else where it reads a relation.
    fn rows(&self, query: &SyntaxNode) -> Value {
        use SyntaxKind as K;
        let lists: Vec<SyntaxNode> = query.descendants().filter(chunks::lists).collect();
        let outside = |node: &SyntaxNode| !lists.iter().any(|list| within(node, list));
        let mut texts = Vec::new();
        let mut open = false;
        for node in query.descendants().filter(outside) {
            texts.extend(literal(&node));
            open |= matches!(node.kind(), K::RELATION_FROM_ITEM | K::TABLE)
                || node.kind() == K::CALL_EXPR
                    && names::called(&node).is_none_or(|(_, function)| function.name != "unnest");
        }
        let known = elements(Value { texts, open });
        let known = (lists.iter().map(|list| self.shown(list))).fold(known, Value::or);
        if known.texts.is_empty() {
            Value::unknown()
        } else {
            known
        }
    }

    fn joined(&self, node: &SyntaxNode) -> Value {
        let joins = node.children_with_tokens().any(|child| {
            let text = match child {
                squawk_syntax::SyntaxElement::Node(node) if node.children().next().is_none() => {
                    node.text().to_string()
                }
                squawk_syntax::SyntaxElement::Token(token) => token.text().to_owned(),
                squawk_syntax::SyntaxElement::Node(_) => return false,
            };
            text.trim() == "||"
        });
        let mut sides = node
            .children()
            .filter(|child| !matches!(child.kind(), SyntaxKind::CUSTOM_OP | SyntaxKind::OP));
        match (joins, sides.next(), sides.next()) {
            (true, Some(left), Some(right)) => self.value(&left).then(&self.value(&right)),
            _ => Value::unknown(),
        }
    }

    fn call(&self, node: &SyntaxNode) -> Value {
        let Some((_, function)) = names::called(node) else {
            return Value::unknown();
        };
        let arguments: Vec<Value> = arguments(node)
            .iter()
            .map(|argument| self.value(argument))
            .collect();
        let joined = |values: &[Value]| {
            values
                .iter()
                .fold(Value::known(""), |text, value| text.then(value))
        };
        let first = || arguments.first().cloned().unwrap_or_else(Value::unknown);
        match (function.name.as_str(), arguments.as_slice()) {
            ("format", [format, values @ ..]) => formatted(format, values),
            ("concat", values) => joined(values),
            ("concat_ws", [separator, values @ ..]) => separated(separator, values),
            ("quote_ident", [_]) => first().map(quoted_name),
            ("quote_literal" | "quote_nullable", [value]) => quoted_text(value),
            ("lower", [_]) => first().map(str::to_lowercase),
            ("upper", [_]) => first().map(str::to_uppercase),
            ("btrim" | "ltrim" | "rtrim", [_]) => first().map(|text| text.trim().to_owned()),
            ("coalesce", values) => values.iter().cloned().fold(Value::default(), Value::or),
            ("replace", [text, from, to]) => replaced(text, from, to),
            ("chr", [code]) => character(code),
            ("to_regclass", [value]) => value.clone(),
            ("show_chunks", _) => self.shown(node),
            ("unnest", [array]) => elements(array.clone()),
            (
                "string_to_array"
                | "string_to_table"
                | "split_part"
                | "regexp_split_to_array"
                | "regexp_split_to_table",
                [text, separator, ..],
            ) => parts(text, separator),
            ("current_database", []) => Value::known(CURRENT_DATABASE),
            ("current_schema", []) => Value::known("public"),
            _ => Value::unknown(),
        }
    }
}

/// The text of a literal, if it is one of text.
pub(super) fn literal(node: &SyntaxNode) -> Option<String> {
    ast::Literal::cast(node.clone())?.string_value()
}

/// The arguments of a call, in their order.
pub(super) fn arguments(call: &SyntaxNode) -> Vec<SyntaxNode> {
    call.children()
        .filter(|child| child.kind() == SyntaxKind::ARG_LIST)
        .flat_map(|list| list.children().collect::<Vec<_>>())
        .collect()
}

fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

/// Whether a node is another, or lies in it.
fn within(node: &SyntaxNode, outer: &SyntaxNode) -> bool {
    outer.text_range().contains_range(node.text_range())
}
