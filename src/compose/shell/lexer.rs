//! The words of a shell script (POSIX, "Shell Command Language"), as far as its text tells: nothing is run, and a word that only
//! running would tell keeps a gap.

use std::collections::VecDeque;

/// What stands between two words; a carriage return is what another system has left at the end of a line.
const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// How deep commands may lie in words of commands.
const DEEPEST: usize = 8;

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// It stands there.
    Text(String),
    /// The value of a variable, or this text where it is not set.
    Variable(String, Option<String>),
    /// What a command writes.
    Output,
}

/// A word: its parts in their order.
pub(super) type Word = Vec<Piece>;

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// Its here-documents and here-strings.
    pub(super) here: Vec<Word>,
    /// The files that it reads by `<`.
    pub(super) from: Vec<Word>,
    /// Whether it reads what the command before it writes.
    pub(super) piped: bool,
}

/// A here-document that is yet to come.
struct Pending {
    command: usize,
    end: String,
    literal: bool,
    tabs: bool,
}

/// The simple commands of a script, those within words after those around them.
pub(super) fn commands(script: &str) -> Vec<Command> {
    let mut found = Vec::new();
    let mut scripts = VecDeque::from([(script.to_owned(), 0)]);
    while let Some((text, depth)) = scripts.pop_front() {
        let mut lexer = Lexer {
            rest: &text,
            commands: vec![Command::default()],
            pending: Vec::new(),
            inner: Vec::new(),
        };
        lexer.script();
        if depth < DEEPEST {
            let inner = std::mem::take(&mut lexer.inner);
            scripts.extend(inner.into_iter().map(|text| (text, depth + 1)));
        }
        let is_something =
            |command: &Command| !command.words.is_empty() || !command.here.is_empty();
        found.extend(lexer.commands.into_iter().filter(is_something));
    }
    found
}

struct Lexer<'a> {
    rest: &'a str,
    commands: Vec<Command>,
    pending: Vec<Pending>,
    /// Scripts within words: `$(…)`.
    inner: Vec<String>,
}

impl Lexer<'_> {
    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        Some(c)
    }

    /// What stands before this text, which is passed over; everything if it never comes.
    fn until(&mut self, end: &str) -> String {
        let (text, rest) = self.rest.split_once(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        text.to_owned()
    }

    fn blanks(&mut self) {
        while self.eat("\\\n") || self.rest.starts_with(BLANKS) && self.next().is_some() {}
    }

    fn last(&mut self) -> Option<&mut Command> {
        self.commands.last_mut()
    }

    fn end_command(&mut self, piped: bool) {
        self.commands.push(Command {
            piped,
            ..Command::default()
        });
    }

    fn script(&mut self) {
        loop {
            self.blanks();
            if self.rest.is_empty() {
                break;
            }
            if self.eat("\n") {
                self.end_command(false);
                self.here_documents();
            } else if self.rest.starts_with('#') {
                let line = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = self.rest.get(line..).unwrap_or_default();
            } else if self.eat("<<<") {
                self.blanks();
                let word = self.word();
                self.last()
                    .into_iter()
                    .for_each(|it| it.here.push(word.clone()));
            } else if self.eat("<<") {
                self.here_document();
            } else if self.eat("<(") || self.eat(">(") {
                let inner = self.substitution();
                self.inner.push(inner);
            } else if self.eat("<") {
                self.eat("&");
                self.blanks();
                let word = self.word();
                self.last()
                    .into_iter()
                    .for_each(|it| it.from.push(word.clone()));
            } else if ["&>>", "&>", ">>", ">|", ">&", ">"]
                .iter()
                .any(|how| self.eat(how))
            {
                self.blanks();
                self.word();
            } else if self.eat("||") || self.eat("&&") {
                self.end_command(false);
            } else if self.eat("|&") || self.eat("|") {
                self.end_command(true);
            } else if self.rest.starts_with([';', '&', '(', ')']) {
                self.next();
                self.end_command(false);
            } else {
                let word = self.word();
                // The number of a stream belongs to what follows: `2>&1`.
                let is_stream = self.rest.starts_with(['<', '>'])
                    && matches!(word.as_slice(), [Piece::Text(text)] if text.parse::<u8>().is_ok());
                if !is_stream {
                    self.last()
                        .into_iter()
                        .for_each(|it| it.words.push(word.clone()));
                }
            }
        }
        self.here_documents();
    }

    /// What follows `<<`.
    fn here_document(&mut self) {
        let tabs = self.eat("-");
        self.blanks();
        let literal = self.rest.starts_with(['\'', '"', '\\']);
        let end = self.word();
        let end = end.into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Variable(name, _) => format!("${name}"),
            Piece::Output => String::new(),
        });
        self.pending.push(Pending {
            command: self.commands.len().saturating_sub(1),
            end: end.collect(),
            literal,
            tabs,
        });
    }

    /// The here-documents that this line has named.
    fn here_documents(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let mut text = String::new();
            while !self.rest.is_empty() {
                let line = self.until("\n");
                let line = if pending.tabs {
                    line.trim_start_matches('\t')
                } else {
                    &line
                };
                if line == pending.end {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            let word = if pending.literal {
                vec![Piece::Text(text)]
            } else {
                self.expanded(&text)
            };
            if let Some(command) = self.commands.get_mut(pending.command) {
                command.here.push(word);
            }
        }
    }

    /// A text in which variables count and quotes do not.
    fn expanded(&mut self, text: &str) -> Word {
        let mut lexer = Lexer {
            rest: text,
            commands: Vec::new(),
            pending: Vec::new(),
            inner: Vec::new(),
        };
        let mut word = Word::new();
        lexer.in_quotes(&mut word, None);
        self.inner.append(&mut lexer.inner);
        word
    }

    fn word(&mut self) -> Word {
        let mut word = Word::new();
        while let Some(c) = self.rest.chars().next() {
            // Other white space, as a form feed, is a part of a word.
            if BLANKS.contains(&c) || matches!(c, '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>') {
                break;
            }
            self.next();
            match c {
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => push(&mut word, c),
                },
                '\'' => {
                    let text = self.until("'");
                    push_text(&mut word, &text);
                }
                '"' => self.in_quotes(&mut word, Some('"')),
                '$' | '`' => self.variable(c, &mut word),
                c => push(&mut word, c),
            }
        }
        // A bracket where a word may not begin, as in a case's pattern, must not stop the reading.
        if word.is_empty() {
            word.push(Piece::Text(String::new()));
        }
        word
    }

    /// Reads up to the closing quote, or to the end.
    fn in_quotes(&mut self, word: &mut Word, close: Option<char>) {
        push_text(word, "");
        while let Some(c) = self.next() {
            match c {
                c if Some(c) == close => return,
                '\\' if self.rest.starts_with(['$', '`', '\\', '\n'])
                    || close.is_some() && self.rest.starts_with('"') =>
                {
                    if let Some(c) = self.next().filter(|c| *c != '\n') {
                        push(word, c);
                    }
                }
                '$' | '`' => self.variable(c, word),
                c => push(word, c),
            }
        }
    }

    /// What stands behind a dollar or a backtick.
    fn variable(&mut self, sign: char, word: &mut Word) {
        if sign == '`' {
            let inner = self.until("`");
            self.inner.push(inner);
            word.push(Piece::Output);
        } else if self.eat("((") {
            self.until("))");
            word.push(Piece::Output);
        } else if self.eat("(") {
            let inner = self.substitution();
            self.inner.push(inner);
            word.push(Piece::Output);
        } else if self.eat("{") {
            let whole = self.until("}");
            let end = whole
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(whole.len());
            let (name, rest) = whole.split_at_checked(end).unwrap_or((&whole, ""));
            let default = [":-", "-", ":=", "="]
                .iter()
                .find_map(|operator| rest.strip_prefix(operator))
                .filter(|default| !default.contains('$'));
            // `${!name}` and the like: only running tells.
            word.push(if name.is_empty() {
                Piece::Output
            } else {
                Piece::Variable(name.to_owned(), default.map(str::to_owned))
            });
        } else if self.eat("'") {
            let text = self.until("'");
            push_text(word, &text);
        } else if self
            .rest
            .starts_with(|c: char| c.is_ascii_digit() || "@*#?$!-".contains(c))
        {
            let name = self.next().map(String::from).unwrap_or_default();
            word.push(Piece::Variable(name, None));
        } else {
            let end = self
                .rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
            self.rest = rest;
            if name.is_empty() {
                push(word, '$');
            } else {
                word.push(Piece::Variable(name.to_owned(), None));
            }
        }
    }

    /// The script up to the bracket that closes it.
    fn substitution(&mut self) -> String {
        let mut text = String::new();
        let mut depth = 0_usize;
        let mut quote = None;
        while let Some(c) = self.next() {
            match (c, quote) {
                ('\\', _) => {
                    text.push(c);
                    text.extend(self.next());
                    continue;
                }
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                ('(', None) => depth += 1,
                (')', None) if depth == 0 => break,
                (')', None) => depth -= 1,
                _ => {}
            }
            text.push(c);
        }
        text
    }
}

fn push(word: &mut Word, c: char) {
    push_text(word, c.encode_utf8(&mut [0; 4]));
}

fn push_text(word: &mut Word, text: &str) {
    match word.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ => word.push(Piece::Text(text.to_owned())),
    }
}
