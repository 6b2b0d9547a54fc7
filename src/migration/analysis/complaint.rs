//! What the parser has against a statement, in words for people: a typing error is told as one, and the doubt that the parser knows less
//! than the server is kept where nothing else explains it.

mod plain;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::migration::masked::server_words;
use crate::migration::statements::statements;
use crate::migration::tokens::{Kind, Token, meaningful};
pub(in crate::migration) use plain::plain;

/// Where the parser stops in a text, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::migration) struct Complaint {
    /// The place, in bytes.
    pub(in crate::migration) at: usize,
    /// In words.
    pub(in crate::migration) why: String,
    /// Whether no server of any version can read it.
    pub(in crate::migration) sure: bool,
}

/// What a statement begins with, in SQL (PostgreSQL documentation, "SQL Commands") and in a block of PL/pgSQL.
const COMMANDS: &str = "abort alter analyse analyze begin call checkpoint close cluster comment commit copy create deallocate declare delete \
    discard do drop end execute explain fetch grant import insert listen load lock merge move notify prepare reassign \
    refresh reindex release repack reset revoke rollback savepoint security select set show start table truncate unlisten \
    update vacuum values wait with assert case continue elsif else exception exit for foreach get if loop null open perform \
    raise return when while";

/// What may stand behind CREATE, ALTER and DROP.
const OBJECTS: &str = "access aggregate cast collation constraint conversion database default domain event extension foreign function global \
    group index language large local materialized operator or owned policy procedural procedure property publication \
    recursive role routine rule schema sequence server statistics subscription system table tablespace temp temporary text \
    transform trigger trusted type unique unlogged user view";

/// Words within statements that are often meant.
const CLAUSES: &str = "always cascade check column concurrently constraint default distinct exists foreign from generated group having identity \
    index inner into join language left limit order outer owner partition primary references rename replace returning \
    returns select table trigger unique using values where";

/// Types that begin a column's definition behind its name.
const TYPES: &str = "bigint bigserial bool boolean bytea char character date decimal double float inet int int2 int4 int8 integer interval \
    json jsonb numeric real serial smallint text time timestamp timestamptz uuid varchar xml";

/// Statements that stand in no other, except in that which makes a schema.
const WHOLE: &str = "create alter drop insert grant comment";

/// What the parser's `message` about this place says.
pub(super) fn complaint(text: &str, root: &SyntaxNode, at: usize, message: &str) -> Complaint {
    // A function's body is read with the statement around it.
    let within = meaningful(text)
        .filter(|token| token.kind == Kind::Text && token.text.starts_with('$'))
        .find(|token| token.at < at && at < token.at + token.text.len());
    let body = within.and_then(|token| {
        let length = token.text.get(1..)?.find('$')? + 2;
        let inner = token
            .text
            .get(length..token.text.len().checked_sub(length)?)?;
        let begin = token.at + length;
        let one = statements(inner)
            .into_iter()
            .rfind(|one| begin + one.at <= at)?;
        Some((inner.get(one.at..one.at + one.text.len())?, begin + one.at))
    });
    let (text, base) = body.unwrap_or((text, 0));
    let told = within_statement(text, root, base, at.saturating_sub(base), message);
    Complaint {
        at: base + told.at,
        // A password that is not quoted is a word as any other.
        why: server_words(&told.why, text),
        ..told
    }
}

/// As [`complaint`], of a statement that begins at `base` in what was parsed.
fn within_statement(
    text: &str,
    root: &SyntaxNode,
    base: usize,
    at: usize,
    message: &str,
) -> Complaint {
    let tokens: Vec<Token<'_>> = meaningful(text)
        .filter(|token| token.kind != Kind::End)
        .collect();
    let sure = |(at, why)| Complaint {
        at,
        why,
        sure: true,
    };
    let stop = Stop {
        text,
        root,
        base,
        tokens: &tokens,
        here: tokens.partition_point(|token| token.at + token.text.len() <= at),
        message,
    };
    stop.brackets()
        .or_else(|| stop.beginning())
        .or_else(|| stop.commas())
        .or_else(|| stop.misspelt())
        .or_else(|| stop.runs_on())
        .map_or_else(|| stop.doubt(at), sure)
}

/// A place where the parser stops.
struct Stop<'a> {
    text: &'a str,
    root: &'a SyntaxNode,
    /// Where the text begins in what was parsed.
    base: usize,
    tokens: &'a [Token<'a>],
    /// The index of the token at the place, or behind it.
    here: usize,
    message: &'a str,
}

/// A certain error, and where it is.
type Sure = Option<(usize, String)>;

impl Stop<'_> {
    fn token(&self, index: usize) -> Option<&Token<'_>> {
        self.tokens.get(index)
    }

    /// A bracket without its other half.
    fn brackets(&self) -> Sure {
        let mut open: Vec<&Token<'_>> = Vec::new();
        for token in self.tokens.iter().filter(|one| one.kind == Kind::Symbol) {
            let closes = match token.text {
                "(" | "[" => {
                    open.push(token);
                    continue;
                }
                ")" => "(",
                "]" => "[",
                _ => continue,
            };
            match open.pop() {
                Some(opener) if opener.text == closes => {}
                _ => return Some((token.at, format!("{} closes nothing", token.text))),
            }
        }
        let unclosed = open.pop()?;
        Some((unclosed.at, format!("{} is never closed", unclosed.text)))
    }

    /// A statement that begins with no statement's word, or makes what is no object's.
    fn beginning(&self) -> Sure {
        let first = self.token(0).filter(|one| one.kind == Kind::Word)?;
        let word = first.text.to_lowercase();
        if !has(COMMANDS, &word) {
            let near = near(&word, COMMANDS)?;
            return Some((first.at, meant(first.text, near)));
        }
        if !["create", "alter", "drop"].contains(&word.as_str()) {
            return None;
        }
        let second = self.token(1).filter(|one| one.kind == Kind::Word)?;
        let word = second.text.to_lowercase();
        if has(OBJECTS, &word) {
            return None;
        }
        let near = near(&word, OBJECTS)?;
        Some((second.at, meant(second.text, near)))
    }

    /// Commas that stand before nothing, texts side by side, and a column that begins without one.
    fn commas(&self) -> Sure {
        let behind = self.tokens.iter().skip(1).map(Some).chain([None]);
        for (comma, next) in self.tokens.iter().zip(behind) {
            if comma.text != "," || comma.kind != Kind::Symbol {
                continue;
            }
            match next {
                Some(next) if next.kind == Kind::Symbol && [",", ")"].contains(&next.text) => {
                    return Some((
                        comma.at,
                        format!("nothing stands between the comma and the {}", next.text),
                    ));
                }
                None => return Some((comma.at, "nothing follows the comma".to_owned())),
                Some(_) => {}
            }
        }
        let here = self.token(self.here)?;
        if self.message.contains("between string literals") {
            let why = "two texts stand side by side: a comma is missing between them, or they are one, and a line break is";
            return Some((here.at, why.to_owned()));
        }
        let next = self.token(self.here + 1)?;
        let is_column = ["missing comma", "expected COMMA"].contains(&self.message)
            && matches!(here.kind, Kind::Word | Kind::Name)
            && has(TYPES, &next.text.to_lowercase());
        is_column.then(|| (here.at, format!("a comma is missing before {}", here.text)))
    }

    /// A word that is nearly the one that is expected here, or nearly one that often stands shortly before.
    fn misspelt(&self) -> Sure {
        let expected = self
            .message
            .split(' ')
            .find_map(|part| part.strip_suffix("_KW"));
        let queries = self.message.contains("select stmt") || self.message.contains("query");
        let expected = match expected {
            Some(expected) => Some(expected.to_lowercase()),
            None => queries.then(|| "select values table with default".to_owned()),
        };
        let found = expected.and_then(|expected| {
            (0..2).find_map(|back| {
                let token = self.unknown(self.here.checked_sub(back)?)?;
                let near = near(&token.text.to_lowercase(), &expected)?.to_owned();
                Some((token.at, meant(token.text, &near)))
            })
        });
        if found.is_some() {
            return found;
        }
        // A word that is taken for a name is not what the parser stops at.
        (0..3).find_map(|back| {
            let token = self.unknown(self.here.checked_sub(back)?)?;
            let word = token.text.to_lowercase();
            let near = near(&word, CLAUSES).filter(|near| near.len() > 3)?;
            Some((token.at, meant(token.text, near)))
        })
    }

    /// A statement that begins on a line of its own before the one above it has ended.
    fn runs_on(&self) -> Sure {
        let here = self.token(self.here)?;
        let first = self.token(0)?.text;
        let is_schema = first.eq_ignore_ascii_case("create")
            && self.token(1)?.text.eq_ignore_ascii_case("schema");
        let before = self.text.get(..here.at)?;
        let begins = before.trim_end_matches([' ', '\t']).ends_with('\n');
        let word = here.text.to_lowercase();
        // ALTER TABLE has parts that begin so.
        let is_part = first.eq_ignore_ascii_case("alter") && has("alter drop", &word);
        let is_whole = has(WHOLE, &word) && !is_part;
        (self.here > 0 && begins && is_whole && !is_schema)
            .then(|| (here.at, format!("a ; is missing before {}", here.text)))
    }

    /// What else may be wrong: the file, or the parser.
    fn doubt(&self, at: usize) -> Complaint {
        // That a whole statement is not known is said at its beginning.
        let second = self.token(1).filter(|_| self.here == 0);
        let is_made = |one: &&Token<'_>| {
            one.kind == Kind::Word
                && ["create", "alter", "drop"].iter().any(|word| {
                    self.token(0)
                        .is_some_and(|first| first.text.eq_ignore_ascii_case(word))
                })
        };
        let (at, why) = match (second.filter(is_made), self.token(self.here)) {
            (Some(second), _) => (second.at, format!("it stops at {}", second.text)),
            (None, Some(here)) if here.kind == Kind::Text => (
                here.at,
                format!("it stops at a text: {}", plain(self.message)),
            ),
            (None, Some(here)) if self.here == 0 => (here.at, format!("it stops at {}", here.text)),
            (None, Some(here)) => (
                here.at,
                format!("it stops at {}: {}", here.text, plain(self.message)),
            ),
            (None, None) => (at, format!("it stops at the end: {}", plain(self.message))),
        };
        Complaint {
            at,
            why,
            sure: false,
        }
    }

    /// A word that the parser has no meaning for, and takes for a name.
    fn unknown(&self, index: usize) -> Option<&Token<'_>> {
        let token = self.token(index).filter(|one| one.kind == Kind::Word)?;
        let at = u32::try_from(self.base + token.at).ok()?;
        let leaf = self.root.token_at_offset(at.into()).right_biased()?;
        (leaf.kind() == SyntaxKind::IDENT).then_some(token)
    }
}

fn meant(found: &str, meant: &str) -> String {
    format!(
        "{found} is no word of SQL here, {} may be meant",
        meant.to_uppercase()
    )
}

/// Whether a list of words has this one.
fn has(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == word)
}

/// The word of a list that this one is nearly, and is not.
fn near<'w>(word: &str, words: &'w str) -> Option<&'w str> {
    let distance = |other: &str| strsim::damerau_levenshtein(word, other);
    let most = match word.chars().count() {
        ..2 | 64.. => return None,
        2..5 => 1,
        _ => 2,
    };
    let nearest = words.split(' ').min_by_key(|other| distance(other))?;
    (1..=most).contains(&distance(nearest)).then_some(nearest)
}

#[cfg(test)]
mod tests;
