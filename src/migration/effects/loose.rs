//! What the tokens tell of a text that the parser does not know: the names behind the words that are followed by one.

use super::walk::{Ground, Reader};
use super::{Access, Act, Class, Path};
use crate::migration::tokens::{Kind, Token, meaningful};
use crate::migration::words::{Words, cut};

/// Words that the name of a relation follows, and what is done to it then.
const BEFORE: [(&str, Access); 14] = [
    ("from", Access::Read),
    ("join", Access::Read),
    ("references", Access::Read),
    ("like", Access::Read),
    ("inherits", Access::Read),
    ("into", Access::Change),
    ("update", Access::Change),
    ("table", Access::Change),
    ("truncate", Access::Change),
    ("view", Access::Change),
    ("sequence", Access::Change),
    ("index", Access::Change),
    ("on", Access::Change),
    ("lock", Access::Change),
];

/// Words that may stand between such a word and the name.
const BETWEEN: [&str; 7] = [
    "if",
    "not",
    "exists",
    "only",
    "concurrently",
    "lateral",
    "(",
];

/// Takes down the names that the tokens tell. Only names of somebody's tables will matter: that a name is no relation does no harm.
pub(super) fn read(reader: &mut Reader, text: &str, ground: Ground<'_>) {
    let tokens: Vec<Token<'_>> = meaningful(text).collect();
    reader.temporaries.after_unread(text);
    let mut words = Words::new(text);
    let creates = words.eat(&["create"]);
    words.eat_any(&["local", "global"]);
    let new_temporary = creates && words.eat_any(&["temp", "temporary"]);
    for (index, token) in tokens.iter().enumerate() {
        let word = token.text.to_ascii_lowercase();
        let Some((_, access)) = BEFORE.iter().find(|(before, _)| *before == word) else {
            continue;
        };
        let mut rest = tokens
            .iter()
            .skip(index + 1)
            .skip_while(|next| {
                let next = next.text.to_ascii_lowercase();
                BETWEEN.contains(&next.as_str())
            })
            .peekable();
        let Some(first) = rest.peek().map(|token| token.at) else {
            continue;
        };
        let Some(path) = path(rest.copied()) else {
            continue;
        };
        let new = creates && matches!(word.as_str(), "table" | "view" | "sequence" | "index");
        let temporary = new && new_temporary;
        let name = path.name.clone();
        reader.say(
            ground(first),
            Act::Names {
                class: Class::Relation,
                access: if new { Access::Create } else { *access },
                path,
                temporary,
            },
        );
        if temporary {
            reader.temporaries.add(name, false);
        }
    }
}

/// The code that a block or a function holds as a dollar-quoted text, with where it begins.
pub(super) fn bodies(text: &str) -> Vec<(usize, &str)> {
    let mut words = Words::new(text);
    let is_block = words.eat(&["do"]);
    let is_new = words.eat(&["create"]);
    words.eat(&["or", "replace"]);
    let holds_code = is_block || is_new && words.eat_any(&["function", "procedure"]);
    if !holds_code {
        return Vec::new();
    }
    let texts = meaningful(text).filter(|token| token.kind == Kind::Text);
    let bodies = texts.filter_map(|token| {
        let (name, _) = token.text.strip_prefix('$')?.split_once('$')?;
        let tag = format!("${name}$");
        let body = token.text.strip_prefix(&tag)?.strip_suffix(&tag)?;
        Some((token.at + tag.len(), body))
    });
    bodies.collect()
}

/// Whether a statement only brings rows: INSERT … VALUES without a query.
pub(super) fn is_data(text: &str) -> bool {
    let mut words = Words::new(text);
    words.eat(&["insert", "into"]) && words.has(&["values"]) && !words.has(&["select"])
}

/// The name in a text: that of an argument such as `'public.blocks'`.
pub(super) fn text_path(text: &str) -> Option<Path> {
    // A function's arguments are no part of its name.
    let name = text.split('(').next().unwrap_or_default();
    path(meaningful(name))
}

fn path<'a>(tokens: impl Iterator<Item = Token<'a>>) -> Option<Path> {
    let mut parts = Vec::new();
    let mut tokens = tokens.peekable();
    loop {
        let token = tokens.next()?;
        parts.push(part(token)?);
        if tokens.next_if(|next| next.text == ".").is_none() {
            break;
        }
    }
    super::names::of_parts(parts)
}

fn part(token: Token<'_>) -> Option<String> {
    match token.kind {
        Kind::Word if token.text.starts_with(|c: char| c.is_ascii_digit()) => None,
        Kind::Word => Some(cut(token.text.to_ascii_lowercase())),
        Kind::Name => {
            let inner = token.text.strip_prefix('"')?.strip_suffix('"')?;
            Some(cut(inner.replace("\"\"", "\"")))
        }
        _ => None,
    }
}
