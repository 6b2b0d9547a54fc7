//! Code within a statement: bodies of functions, DO blocks, and the SQL that they put together.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::body::{Body, BodyLanguage};
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::constant::Variables;
use super::walk::{Ground, Reader};
use super::{Act, constant, into, loose, names, routine};
use crate::migration::analysis::plain;

/// Languages that can do all that the server's operating-system user can.
const UNTRUSTED: [&str; 2] = ["c", "internal"];

/// Reads the code that a node holds.
pub(super) fn read(
    reader: &mut Reader,
    node: &SyntaxNode,
    ground: Ground<'_>,
    variables: &mut Variables,
) {
    use SyntaxKind as K;
    match node.kind() {
        K::DO => {
            let body = ast::Do::cast(node.clone()).and_then(|block| block.plpgsql());
            match body {
                Some(body) => {
                    let inner = |at: usize| ground(outer(&body, at));
                    reader.inside("a DO block", body.text(), inner(0), |reader| {
                        block(reader, &body, &inner);
                    });
                }
                None => other_language(reader, node, ground),
            }
        }
        K::CREATE_FUNCTION | K::CREATE_PROCEDURE => routine(reader, node, ground),
        K::PLPGSQL_DYN_EXECUTE_STMT
        | K::PLPGSQL_FOR_DYN_STMT
        | K::PLPGSQL_RETURN_QUERY_EXECUTE_STMT
        | K::PLPGSQL_OPEN_EXECUTE => {
            let query = node
                .children()
                .find(|child| child.kind() == K::PLPGSQL_EXPR);
            if let Some(query) = query {
                dynamic(reader, &query, ground, variables);
            }
        }
        _ => {}
    }
}

fn routine(reader: &mut Reader, node: &SyntaxNode, ground: Ground<'_>) {
    let function = ast::CreateFunction::cast(node.clone());
    let procedure = ast::CreateProcedure::cast(node.clone());
    let in_blocks = function
        .as_ref()
        .and_then(|function| function.plpgsql())
        .or_else(|| procedure.as_ref().and_then(|procedure| procedure.plpgsql()));
    if let Some(body) = in_blocks {
        let inner = |at: usize| ground(outer(&body, at));
        function_body(reader, body.text(), inner(0), |reader| {
            block(reader, &body, &inner);
        });
        return;
    }
    let in_sql = function
        .and_then(|function| function.sql_body())
        .or_else(|| procedure.and_then(|procedure| procedure.sql_body()));
    if let Some(body) = in_sql {
        // The server checks such a body; where the parser does not know it, that was said of the statement.
        let inner = |at: usize| ground(outer(&body, at));
        function_body(reader, body.text(), inner(0), |reader| {
            reader.tree(&body.syntax(), &inner, &mut Variables::default());
            if !body.errors().is_empty() {
                loose::read(reader, body.text(), &inner);
            }
        });
        return;
    }
    let as_text = node
        .descendants()
        .any(|inner| inner.kind() == SyntaxKind::AS_DEFINITION);
    if as_text {
        other_language(reader, node, ground);
    }
}

/// A function runs in sessions of its own: it knows the temporary tables that it makes itself, and no other.
fn function_body(reader: &mut Reader, text: &str, at: usize, read: impl FnOnce(&mut Reader)) {
    let outer = std::mem::take(&mut reader.temporaries);
    let in_function = std::mem::replace(&mut reader.in_function, true);
    reader.inside("a function body", text, at, read);
    reader.in_function = in_function;
    reader.temporaries = outer;
}

/// Where a byte of a body lies in the statement around it.
fn outer<T: BodyLanguage>(body: &Body<T>, at: usize) -> usize {
    let range = body.syntax().text_range();
    let shift = u32::try_from(at)
        .ok()
        .and_then(|at| range.start().checked_add(at.into()));
    let moved = shift.map_or(range, |shift| range + shift);
    usize::from(body.source_range(moved).start())
}

/// A block of PL/pgSQL. The parser does not know INTO in its statements, so they are read without it.
fn block(reader: &mut Reader, body: &Plpgsql, ground: Ground<'_>) {
    let filling = into::filling(body.text());
    let (root, errors) = match &filling {
        Some(filling) => {
            let (tree, errors) = ast::Plpgsql::parse_text(&filling.sql);
            (SyntaxNode::new_root(tree), errors)
        }
        None => (body.syntax(), body.errors()),
    };
    // The errors of a body have places in the statement around it.
    let placed = |range| match filling {
        Some(_) => range,
        None => body.source_range(range),
    };
    let filled = filling
        .as_ref()
        .map(|filling| filling.statements.as_slice());
    let mut variables = Variables::of(&root, filled.unwrap_or_default());
    let outer = std::mem::replace(&mut reader.in_block, true);
    reader.tree(&root, ground, &mut variables);
    let mut known = Vec::new();
    // What the parser does not know as a statement of a block, it may know as SQL.
    for error in root
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::ERROR)
    {
        let text = error.text().to_string();
        let begin = usize::from(error.text_range().start());
        // A clause is taken out once: a second one is an error.
        let is_written = body.text().get(begin..begin + text.len()) == Some(text.as_str());
        let without = is_written.then(|| into::blanked(&text)).flatten();
        let sql = without.unwrap_or(text);
        if Reader::knows(&sql) {
            known.push(placed(error.text_range()));
        }
        reader.code(&sql, &|at| ground(begin + at), &mut variables);
    }
    reader.in_block = outer;
    let broken = errors.into_iter().find(|error| {
        let at = error.range().start();
        !known.iter().any(|range| range.contains(at))
    });
    if let Some(error) = broken {
        reader.say(
            ground(0),
            Act::Unread {
                why: format!("in its block: {}", plain(error.message())),
                sure: false,
            },
        );
        loose::read(reader, body.text(), ground);
    }
}

/// Code in a language that is not read.
fn other_language(reader: &mut Reader, node: &SyntaxNode, ground: Ground<'_>) {
    let at = ground(usize::from(node.text_range().start()));
    let language = node
        .descendants()
        .find(|inner| {
            matches!(
                inner.kind(),
                SyntaxKind::LANGUAGE_FUNC_OPTION | SyntaxKind::DO_LANGUAGE
            )
        })
        .and_then(|option| option.children().next())
        .map(|language| constant::literal(&language).unwrap_or_else(|| names::folded(&language)))
        .unwrap_or_default();
    if UNTRUSTED.contains(&language.as_str()) || language.ends_with('u') {
        reader.say(
            at,
            Act::Link {
                kind: "language",
                name: language,
            },
        );
    } else {
        reader.say(
            at,
            Act::Dynamic {
                why: format!("code in language {language} is not read"),
            },
        );
    }
}

/// SQL that a block puts together.
fn dynamic(reader: &mut Reader, query: &SyntaxNode, ground: Ground<'_>, variables: &mut Variables) {
    let at = ground(usize::from(query.text_range().start()));
    let value = variables.value(query);
    let perhaps = reader.perhaps;
    reader.perhaps |= routine::is_conditional(query);
    run(reader, &value, at, "EXECUTE");
    reader.perhaps = perhaps;
}

/// Reads the texts that are run as SQL, and says when there may be others.
pub(super) fn run(reader: &mut Reader, value: &constant::Value, at: usize, runs: &str) {
    let texts = value
        .texts
        .iter()
        .filter(|text| text.as_str() != constant::UNKNOWN);
    let mut followed = 0;
    for text in texts {
        // A variable's first part is no statement yet.
        let whole = Reader::knows(text);
        followed += usize::from(whole);
        reader.inside("dynamic SQL", text, at, |reader| {
            let block = std::mem::replace(&mut reader.in_block, false);
            if whole {
                reader.code(text, &|_| at, &mut Variables::default());
            } else {
                loose::read(reader, text, &|_| at);
            }
            reader.in_block = block;
        });
    }
    if value.open || followed == 0 {
        reader.say(
            at,
            Act::Dynamic {
                why: format!(
                    "{runs} runs a text that is put together from what is not in the file"
                ),
            },
        );
    }
}
