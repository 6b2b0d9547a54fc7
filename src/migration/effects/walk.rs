//! Goes through a script: statement by statement with the parser, and with the tokens alone where the parser does not know the syntax.

use std::borrow::Cow;
use std::collections::HashMap;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::constant::Variables;
use super::said::{Lines, excerpt};
use super::temporary::Temporaries;
use super::{
    Act, Effect, Effects, Path, Said, access, allow, body, calls, columns, dialect, keys, link,
    loose, named, psql, routine, server, setting, temporary, values,
};
use crate::migration::analysis::{Complaint, Mode, Parsed, Script};
use crate::migration::masked::withheld;
use crate::migration::statements::{Statement, statements};

/// Why a statement was not parsed that has more words and signs than the parser has stack for.
pub const TOO_LARGE: &str = "the statement is too large for the parser";

/// How deep code may lie in code: a function body that executes a text that makes a function …
const DEEPEST: usize = 8;

/// Translates a place within a piece of code to one in the script, both in bytes.
pub(super) type Ground<'a> = &'a dyn Fn(usize) -> usize;

/// What is found in a script.
pub(super) struct Reader {
    found: Vec<Found>,
    /// Where in `found` the acts of a statement at a place are: there may be hundreds of thousands.
    known: HashMap<(usize, usize), Vec<usize>>,
    pub(super) statement: usize,
    /// The code around what is read, if it is not the statement itself.
    pub(super) within: Option<&'static str>,
    depth: usize,
    /// Whether it is a block of code, where INTO fills variables.
    pub(super) in_block: bool,
    /// Whether it is a function's body, which runs when the function is called.
    pub(super) in_function: bool,
    /// Whether what is read is run only where a condition holds.
    pub(super) perhaps: bool,
    inner: Vec<(usize, String)>,
    /// The temporary relations at this point.
    pub(super) temporaries: Temporaries,
    /// The values that the transaction has added to enums: the statement, the type, the value.
    pub(super) added: Vec<(usize, Path, String)>,
}

struct Found {
    at: usize,
    statement: usize,
    within: Option<&'static str>,
    act: Act,
}

/// What a script does, where there is stack enough for the parser.
pub(in crate::migration) fn script(script: &Script<'_>) -> Effects {
    // Where a file is run statement by statement, each is a transaction of its own.
    let alone = script.mode == Mode::Statements;
    read(script.sql, Some(script), |reader, statement, shared| {
        let at = statement.at;
        reader.code_as(
            statement.text,
            || match shared {
                Some(index) => script.parsed(index),
                None => Parsed::new(statement.text),
            },
            &|place| at + place,
            &mut Variables::default(),
        );
        if alone {
            reader.temporaries.commit();
            reader.added.clear();
        }
    })
}

/// Whether a statement can hold up those who use a table, or makes one that nobody uses yet.
const fn is_about_tables(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(
        kind,
        K::ALTER_DOMAIN
            | K::ALTER_TABLE
            | K::CREATE_INDEX
            | K::CREATE_TABLE
            | K::CREATE_TABLE_AS
            | K::REINDEX
            | K::TRUNCATE
    )
}

/// What the tokens of a script tell, where no parser can be had.
pub(in crate::migration) fn unread(sql: &str) -> Effects {
    read(sql, None, |reader, statement, _| {
        let at = statement.at;
        reader.say(
            at,
            Act::Unread {
                why: "the parser could not be run".to_owned(),
                sure: false,
            },
        );
        loose::read(reader, statement.text, &|place| at + place);
    })
}

/// Reads each statement: with its index in the script, where it is one of the script's own.
fn read(
    sql: &str,
    script: Option<&Script<'_>>,
    each: impl Fn(&mut Reader, &Statement<'_>, Option<usize>),
) -> Effects {
    let (text, commands) = psql::cut_out(sql);
    let lines = Lines::new(sql);
    let script = script.filter(|_| text == sql);
    let split = match script {
        Some(script) => Cow::Borrowed(script.statements.as_slice()),
        None => Cow::Owned(statements(&text)),
    };
    let mut said: Vec<Said> = split
        .iter()
        .map(|statement| Said {
            place: lines.position(statement.at),
            last_line: lines.position(statement.at + statement.text.len()).line,
            excerpt: excerpt(statement.text),
            withheld: withheld(statement.text),
            span: (statement.at, statement.at + statement.text.len()),
        })
        .collect();
    let mut reader = Reader {
        found: Vec::new(),
        known: HashMap::new(),
        statement: 0,
        within: None,
        depth: 0,
        in_block: false,
        in_function: false,
        perhaps: false,
        inner: Vec::new(),
        temporaries: Temporaries::default(),
        added: Vec::new(),
    };
    for (index, statement) in split.iter().enumerate() {
        reader.statement = index;
        each(&mut reader, statement, script.map(|_| index));
    }
    for (at, act) in commands {
        let Act::Psql { command, target } = &act else {
            continue;
        };
        let place = lines.position(at);
        reader.statement = said.len();
        said.push(Said {
            place,
            last_line: place.line,
            excerpt: format!("{command} {target}").trim_end().to_owned(),
            withheld: Vec::new(),
            span: (at, at),
        });
        reader.say(at, act);
    }
    let allows = allow::allows(sql, &said, &|at| lines.position(at));
    let mut effects: Vec<Effect> = reader
        .found
        .into_iter()
        .map(|found| Effect {
            place: lines.position(found.at),
            statement: found.statement,
            within: found.within,
            act: found.act,
        })
        .collect();
    effects.sort_by_key(|effect| effect.place);
    Effects {
        statements: said,
        effects,
        allows,
        inner: reader.inner,
    }
}

impl Reader {
    /// Takes down what is done at this place of the script, once.
    pub(super) fn say(&mut self, at: usize, mut act: Act) {
        if let Act::Names {
            class,
            access,
            path,
            temporary,
        } = &mut act
        {
            *temporary |= self.temporaries.hide(*class, *access, path);
        }
        let known = self.known.entry((self.statement, at)).or_default();
        let is_known = known
            .iter()
            .filter_map(|index| self.found.get(*index))
            .any(|found| found.act == act);
        if !is_known {
            known.push(self.found.len());
            self.found.push(Found {
                at,
                statement: self.statement,
                within: self.within,
                act,
            });
        }
    }

    /// Reads code that lies within other code, `text` at this place of the script.
    pub(super) fn inside(
        &mut self,
        within: &'static str,
        text: &str,
        at: usize,
        read: impl FnOnce(&mut Self),
    ) {
        if self.depth >= DEEPEST {
            let why = format!("code that lies more than {DEEPEST} deep in other code is not read");
            self.say(at, Act::Unread { why, sure: false });
            loose::read(self, text, &|_| at);
            return;
        }
        self.depth += 1;
        let outer = self.within.replace(within);
        read(self);
        self.within = outer;
        self.depth -= 1;
    }

    /// Reads the statements of a text.
    pub(super) fn code(&mut self, text: &str, ground: Ground<'_>, variables: &mut Variables) {
        self.code_as(text, || Parsed::new(text), ground, variables);
    }

    /// As [`Self::code`], of a text that may have been parsed already.
    fn code_as(
        &mut self,
        text: &str,
        parsed: impl FnOnce() -> Option<Parsed>,
        ground: Ground<'_>,
        variables: &mut Variables,
    ) {
        if let Some(act) = dialect::dialect(text) {
            self.say(ground(0), act);
            loose::read(self, text, ground);
            return;
        }
        let Some(parsed) = parsed() else {
            // Rows of data are large; there is nothing in them that a rule would find.
            if !loose::is_data(text) {
                self.say(
                    ground(0),
                    Act::Unread {
                        why: TOO_LARGE.to_owned(),
                        sure: false,
                    },
                );
            }
            loose::read(self, text, ground);
            for (begin, body) in loose::bodies(text) {
                loose::read(self, body, &|at| ground(begin + at));
            }
            return;
        };
        self.tree(&parsed.root, ground, variables);
        if let Some(Complaint { at, why, sure }) = parsed.error {
            let at = ground(at);
            let unread = Act::Unread { why, sure };
            self.say(at, dialect::unread(text).unwrap_or(unread));
            loose::read(self, text, ground);
        }
    }

    /// Whether the parser knows a text as SQL.
    pub(super) fn knows(text: &str) -> bool {
        Parsed::new(text).is_some_and(|parsed| parsed.error.is_none())
    }

    /// Reads a tree of the parser.
    pub(super) fn tree(
        &mut self,
        root: &SyntaxNode,
        ground: Ground<'_>,
        variables: &mut Variables,
    ) {
        // Statements that are not read to their end.
        let mut open: Vec<SyntaxNode> = Vec::new();
        for node in root.descendants() {
            let holds =
                |outer: &mut SyntaxNode| outer.text_range().contains_range(node.text_range());
            while let Some(ended) = open.pop_if(|outer| !holds(outer)) {
                self.temporaries.after(&ended, self.in_block);
            }
            if temporary::matters(node.kind()) {
                open.push(node.clone());
            }
            if self.within.is_some() && !self.in_function && is_about_tables(node.kind()) {
                self.inner.push((self.statement, node.text().to_string()));
            }
            let at = ground(usize::from(node.text_range().start()));
            named::read(self, &node, at);
            access::read(self, &node, at);
            setting::read(self, &node, at);
            routine::read(self, &node, at);
            link::read(self, &node, at);
            server::read(self, &node, at);
            keys::read(self, &node, at);
            columns::read(self, &node, at);
            values::read(self, &node, at);
            calls::read(self, &node, ground, variables);
            body::read(self, &node, ground, variables);
        }
        while let Some(ended) = open.pop() {
            self.temporaries.after(&ended, self.in_block);
        }
    }
}
