//! What a statement does to a function or procedure, as far as it decides whose rights and names it runs with.

mod arguments;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::walk::Reader;
use super::{Act, Path, names, setting};
use arguments::arguments;
pub use arguments::{Arguments, TypeName};

/// A change of a function or procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    /// Its name.
    pub path: Path,
    /// What it takes; `None` where the statement does not say.
    pub arguments: Option<Arguments>,
    /// What is done to it.
    pub change: Change,
    /// Whether that happens.
    pub runs: Runs,
}

/// What is done to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is made, or made anew.
    Made {
        /// Whether it runs with its owner's rights.
        definer: bool,
        /// Where its names come from.
        names: Names,
        /// Whether it is a procedure.
        procedure: bool,
    },
    /// It is altered.
    Altered {
        /// Whether it runs with its owner's rights from now on; `None` where that stays.
        definer: Option<bool>,
        /// Where its names come from, from now on; `None` where that stays.
        names: Option<Names>,
    },
    /// It gets another name.
    Renamed(String),
    /// It gets another schema.
    Moved(String),
    /// It is dropped.
    Dropped,
}

/// Where a function's names come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// From where its caller says.
    Callers,
    /// From where the session said that made it so: `FROM CURRENT`.
    Current,
    /// From its own `search_path`.
    Schemas(Vec<String>),
}

/// Whether a statement is run when its script is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Runs {
    /// It is.
    #[default]
    Always,
    /// Where a condition holds.
    Perhaps,
    /// When the function is called whose body it is in.
    WhenCalled,
}

/// Takes down what a node does to a function.
pub(super) fn read(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    match node.kind() {
        K::CREATE_FUNCTION | K::CREATE_PROCEDURE => made(reader, node, at),
        K::ALTER_FUNCTION | K::ALTER_PROCEDURE | K::ALTER_ROUTINE => altered(reader, node, at),
        K::DROP_FUNCTION | K::DROP_PROCEDURE | K::DROP_ROUTINE => {
            for (path, arguments) in signatures(node) {
                say(reader, node, at, path, arguments, Change::Dropped);
            }
        }
        K::DROP_SCHEMA => {
            for schema in node
                .children()
                .filter(|child| child.kind() == K::SCHEMA_REF)
            {
                let act = Act::LeavesSchema {
                    schema: names::folded(&schema),
                    new: None,
                    runs: runs(reader, node),
                };
                reader.say(at, act);
            }
        }
        K::ALTER_SCHEMA => {
            let new = node
                .children()
                .filter(|child| child.kind() == K::SCHEMA_RENAME_TO)
                .find_map(|rename| rename.children().last());
            let old = node.children().find(|child| child.kind() == K::SCHEMA_REF);
            if let (Some(old), Some(new)) = (old, new) {
                let act = Act::LeavesSchema {
                    schema: names::folded(&old),
                    new: Some(names::folded(&new)),
                    runs: runs(reader, node),
                };
                reader.say(at, act);
            }
        }
        _ => {}
    }
}

fn say(
    reader: &mut Reader,
    node: &SyntaxNode,
    at: usize,
    path: Path,
    arguments: Option<Arguments>,
    change: Change,
) {
    let routine = Routine {
        path,
        arguments,
        change,
        runs: runs(reader, node),
    };
    reader.say(at, Act::Routine(Box::new(routine)));
}

fn runs(reader: &Reader, node: &SyntaxNode) -> Runs {
    match (reader.in_function, reader.perhaps || is_conditional(node)) {
        (true, _) => Runs::WhenCalled,
        (false, true) => Runs::Perhaps,
        (false, false) => Runs::Always,
    }
}

/// Whether a part of a block is run only where a condition holds.
pub(super) fn is_conditional(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    node.ancestors().any(|above| {
        matches!(
            above.kind(),
            K::PLPGSQL_IF_STMT
                | K::PLPGSQL_CASE_STMT
                | K::PLPGSQL_WHILE_STMT
                | K::PLPGSQL_EXCEPTION_HANDLER
        )
    })
}

fn made(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let name = node
        .children()
        .find(|child| matches!(child.kind(), K::FUNCTION_NAME | K::PROCEDURE_NAME))
        .and_then(|child| names::path(&child));
    let Some(path) = name else { return };
    let options = options(node);
    let change = Change::Made {
        definer: definer(&options).unwrap_or_default(),
        names: names_of(&options).unwrap_or(Names::Callers),
        procedure: node.kind() == K::CREATE_PROCEDURE,
    };
    let arguments = Some(arguments(node).unwrap_or_default());
    say(reader, node, at, path, arguments, change);
}

fn altered(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    use SyntaxKind as K;
    let Some((path, arguments)) = signatures(node).pop() else {
        return;
    };
    let renamed = [
        K::FUNCTION_RENAME_TO,
        K::PROCEDURE_RENAME_TO,
        K::ROUTINE_RENAME_TO,
    ];
    let action = node.children().find_map(|child| match child.kind() {
        kind if renamed.contains(&kind) => {
            let new = child.children().last()?;
            Some(Change::Renamed(names::path(&new)?.name))
        }
        K::SET_SCHEMA => {
            let new = child.children().last()?;
            Some(Change::Moved(names::folded(&new)))
        }
        _ => None,
    });
    let options = options(node);
    let change = action.unwrap_or_else(|| Change::Altered {
        definer: definer(&options),
        names: names_of(&options),
    });
    say(reader, node, at, path, arguments, change);
}

fn options(node: &SyntaxNode) -> Vec<SyntaxNode> {
    node.children()
        .filter(|child| child.kind() == SyntaxKind::FUNC_OPTION_LIST)
        .flat_map(|list| list.children().collect::<Vec<_>>())
        .collect()
}

fn definer(options: &[SyntaxNode]) -> Option<bool> {
    let mut said = options
        .iter()
        .rev()
        .filter_map(|option| match option.kind() {
            SyntaxKind::SECURITY_DEFINER_FUNC_OPTION => Some(true),
            SyntaxKind::SECURITY_INVOKER_FUNC_OPTION => Some(false),
            _ => None,
        });
    said.next()
}

/// What the last SET or RESET of `search_path` leaves; `None` where there is none.
fn names_of(options: &[SyntaxNode]) -> Option<Names> {
    use SyntaxKind as K;
    options.iter().rev().find_map(|option| match option.kind() {
        K::RESET_FUNC_OPTION => {
            let parameter = option
                .descendants()
                .find_map(|inner| setting::parameter(&inner));
            let resets = parameter.is_none_or(|parameter| parameter == setting::SEARCH_PATH);
            resets.then_some(Names::Callers)
        }
        K::SET_FUNC_OPTION => {
            let set = option
                .children()
                .find(|set| setting::parameter(set).as_deref() == Some(setting::SEARCH_PATH))?;
            let has = |word: K| {
                set.descendants_with_tokens()
                    .any(|inner| inner.kind() == word)
            };
            // SET … TO DEFAULT is RESET (PostgreSQL documentation, ALTER FUNCTION).
            Some(match () {
                () if has(K::DEFAULT_KW) => Names::Callers,
                () if has(K::CURRENT_KW) => Names::Current,
                () => Names::Schemas(setting::schemas(&set)),
            })
        }
        _ => None,
    })
}

/// The functions that a statement refers to, each with its arguments where they are written.
fn signatures(node: &SyntaxNode) -> Vec<(Path, Option<Arguments>)> {
    use SyntaxKind as K;
    node.descendants()
        .filter(|child| {
            matches!(
                child.kind(),
                K::FUNCTION_SIG | K::PROCEDURE_SIG | K::ROUTINE_SIG
            )
        })
        .filter_map(|signature| {
            let name = signature.children().next()?;
            Some((names::path(&name)?, arguments(&signature)))
        })
        .collect()
}
