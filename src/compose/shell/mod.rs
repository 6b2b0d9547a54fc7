//! What a shell script does with databases, as far as its text tells: the names in its words, the SQL that it hands over, the files
//! that it reads. Nothing is run.

mod lexer;
mod plain;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::text::Text;
use lexer::{Command, Piece, commands};
pub(super) use plain::plain;

/// PostgreSQL's programs that log in to a database (PostgreSQL documentation, "PostgreSQL Client Applications"), and the function of
/// the images' start script.
const CLIENTS: [&str; 14] = [
    "clusterdb",
    "createdb",
    "createuser",
    "docker_process_sql",
    "dropdb",
    "dropuser",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "pgbench",
    "psql",
    "reindexdb",
    "timescaledb-tune",
    "vacuumdb",
];
/// Programs that run what they are told: their words are scripts.
const RUNNERS: [&str; 8] = ["ash", "bash", "dash", "eval", "runuser", "sh", "su", "trap"];
/// Those of them that run what they read.
const SHELLS: [&str; 4] = ["ash", "bash", "dash", "sh"];
/// Programs that write their words.
const WRITERS: [&str; 2] = ["echo", "printf"];
/// Options of the clients whose value is no name of a database or role.
const ASIDE: [&str; 14] = [
    "-h",
    "--host",
    "-p",
    "--port",
    "-o",
    "--output",
    "-v",
    "--set",
    "--variable",
    "-P",
    "--pset",
    "-L",
    "-U",
    "--username",
];
/// How many commands of a pipe are looked through.
const MOST_PIPED: usize = 20;
/// Stands for a value that is looked at elsewhere: the container's own database and role, words that the script loops over.
const SEEN: &str = "dbctl_seen";

/// What a script does, as far as its text tells. It may hold passwords.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// Words that may be the name of a database or role.
    pub(super) words: Vec<Text>,
    /// Names of tables.
    pub(super) tables: Vec<Text>,
    /// SQL.
    pub(super) sql: Vec<Text>,
    /// Paths in the container of files with SQL.
    pub(super) files: Vec<Text>,
    /// Paths in the container of other scripts of the shell.
    pub(super) scripts: Vec<Text>,
    /// What only running it would tell.
    pub(super) unknown: Vec<String>,
}

/// Reads a script. `environment` is the container's; a value that is not known there is not known here.
pub(super) fn read(script: &str, environment: &BTreeMap<String, Text>) -> Told {
    /// The longest script that is read, in bytes.
    const LONGEST: usize = 256 << 10;
    let mut told = Told::default();
    if script.len() > LONGEST {
        told.unknown.push("it is longer than 256 KiB".to_owned());
        return told;
    }
    let first = script.lines().next().unwrap_or_default();
    if first
        .strip_prefix("#!")
        .is_some_and(|by| !by.contains("sh"))
    {
        told.unknown.push("it is no script of a shell".to_owned());
        return told;
    }
    read_into(script, environment, 0, &mut told);
    told
}

fn read_into(script: &str, environment: &BTreeMap<String, Text>, depth: usize, told: &mut Told) {
    /// How deep scripts may lie in words.
    const DEEPEST: usize = 4;
    let commands = commands(script);
    let variables = Variables::new(&commands, environment);
    for (at, command) in commands.iter().enumerate() {
        let words: Vec<Text> = command
            .words
            .iter()
            .map(|word| variables.text(word))
            .collect();
        let client = words
            .iter()
            .position(|word| CLIENTS.contains(&program(word)));
        let first = first_of(&words);
        let before = at.checked_sub(1).and_then(|at| commands.get(at));
        let feeds = commands
            .get(at + 1..)
            .unwrap_or_default()
            .iter()
            .take_while(|next| next.piped)
            .take(MOST_PIPED)
            .any(|next| {
                next.words
                    .iter()
                    .any(|word| CLIENTS.contains(&program(&variables.text(word))))
            });
        if WRITERS.contains(&first) {
            if feeds {
                told.sql.extend(words.into_iter().skip(1));
            }
            continue;
        }
        told.words.extend(words.iter().flat_map(candidates));
        // A text of several words may be SQL, whoever is given it.
        if RUNNERS
            .iter()
            .any(|runner| words.iter().any(|word| program(word) == *runner))
        {
            for inner in words
                .iter()
                .filter(|word| is_text(word))
                .filter(|_| depth < DEEPEST)
            {
                read_into(inner.raw(), environment, depth + 1, told);
            }
        } else {
            told.sql
                .extend(words.iter().filter(|word| is_text(word)).map(bare));
        }
        if client.is_some() || feeds || !["cat", "tee"].contains(&first) {
            told.sql
                .extend(command.here.iter().map(|here| variables.text(here)));
        }
        let is_sourced = ["source", "."].contains(&first);
        let scripts = words.iter().enumerate().filter(|(at, word)| {
            (is_sourced && *at == 1) || (is_path(word) && word.raw().ends_with(".sh"))
        });
        told.scripts.extend(scripts.map(|(_, word)| word.clone()));
        if ["cat", "envsubst"].contains(&first) && feeds {
            told.files.extend(
                words
                    .iter()
                    .skip(1)
                    .filter(|word| !word.raw().starts_with('-'))
                    .cloned(),
            );
            told.files
                .extend(command.from.iter().map(|from| variables.text(from)));
        }
        // `curl … | bash`
        if command.piped && SHELLS.contains(&first) {
            told.unknown
                .push(format!("{first} reads what another command writes"));
        }
        let Some(client) = client else { continue };
        let arguments = words.get(client + 1..).unwrap_or_default();
        options(
            arguments,
            words.get(client).map(program).unwrap_or_default(),
            told,
        );
        told.files
            .extend(command.from.iter().map(|from| variables.text(from)));
        let is_read = before.is_some_and(|before| {
            let words: Vec<Text> = before
                .words
                .iter()
                .map(|word| variables.text(word))
                .collect();
            [WRITERS.as_slice(), &["cat", "envsubst"]]
                .concat()
                .contains(&first_of(&words))
        });
        if command.piped && !is_read {
            told.unknown.push(format!(
                "{} reads what another command writes",
                words.get(client).map(program).unwrap_or_default()
            ));
        }
    }
}

/// What the options of a client say of files and tables, and where only running would tell a name.
fn options(arguments: &[Text], program: &str, told: &mut Told) {
    if program == "pg_restore" {
        told.unknown.push("pg_restore reads a dump".to_owned());
    }
    let mut before = "";
    for word in arguments {
        let raw = word.raw();
        let (option, value) = match raw.split_once('=').filter(|_| raw.starts_with("--")) {
            Some((option, value)) => (option, value),
            None => match raw.split_at_checked(2) {
                Some((option, value)) if is_short(option) && !value.is_empty() => (option, value),
                _ => (before, raw),
            },
        };
        let is_open =
            raw.starts_with("--") && !raw.contains('=') || is_short(raw) && raw.len() == 2;
        before = if is_open { raw } else { "" };
        let value = word.part(value);
        match option {
            "-f" | "--file" if program == "psql" => told.files.push(value),
            "-t" | "--table" if program != "psql" => told.tables.push(value),
            option if ASIDE.contains(&option) => {}
            // A whole statement is read as SQL; what is put together there is seen there.
            _ if value.get().is_none() && !is_text(word) => {
                let names: Vec<&str> = value.variables.iter().map(String::as_str).collect();
                told.unknown
                    .push(format!("{program} is given {}", names.join(", ")));
            }
            _ => {}
        }
    }
}

/// Whether this is an option of one letter.
fn is_short(option: &str) -> bool {
    option.starts_with('-') && option.ends_with(|c: char| c.is_ascii_alphabetic())
}

/// The program that a command runs, behind the words of the shell.
fn first_of(words: &[Text]) -> &str {
    const KEYWORDS: [&str; 12] = [
        "!", "command", "do", "elif", "else", "exec", "if", "then", "time", "until", "while", "{",
    ];
    let mut programs = words.iter().map(program);
    programs
        .find(|word| !KEYWORDS.contains(word))
        .unwrap_or_default()
}

/// The program that a word names.
fn program(word: &Text) -> &str {
    word.raw().rsplit('/').next().unwrap_or_default()
}

/// Whether a word is a text of several words, whatever its unknown variables hold.
fn is_text(word: &Text) -> bool {
    word.filled("?").trim().contains(char::is_whitespace)
}

/// Whether a word is the path of a file: no text, and no URL, which may hold a password.
fn is_path(word: &Text) -> bool {
    !is_text(word) && !word.raw().contains(['@', ':'])
}

/// What of a word may be a name: the whole, what follows `=`, what follows an option's letter.
fn candidates(word: &Text) -> Vec<Text> {
    let raw = word.raw();
    let mut found = vec![word.clone()];
    if let Some((_, value)) = raw.split_once('=') {
        found.push(word.part(value));
    }
    if let Some((option, value)) = raw.split_at_checked(2)
        && is_short(option)
    {
        found.push(word.part(value));
    }
    found
}

/// A text without the option or the variable that it is given to.
fn bare(word: &Text) -> Text {
    let raw = word.raw();
    match (raw.split_once('='), raw.split_at_checked(2)) {
        (Some((name, value)), _) if is_name(name.trim_start_matches('-')) => word.part(value),
        (_, Some((option, value))) if is_short(option) => word.part(value),
        _ => word.clone(),
    }
}

/// The variables of a script.
struct Variables<'a> {
    environment: &'a BTreeMap<String, Text>,
    /// Those that the script sets.
    own: BTreeMap<String, Text>,
}

impl<'a> Variables<'a> {
    fn new(commands: &[Command], environment: &'a BTreeMap<String, Text>) -> Self {
        let mut variables = Self {
            environment,
            own: BTreeMap::new(),
        };
        for command in commands {
            let is_loop = matches!(command.words.first().map(Vec::as_slice), Some([Piece::Text(first)]) if first == "for");
            for (at, word) in command.words.iter().enumerate() {
                let Some(Piece::Text(text)) = word.first() else {
                    continue;
                };
                if is_loop && at == 1 {
                    // Its words are looked at where they stand.
                    variables.own.insert(text.clone(), Text::known(SEEN));
                } else if let Some((name, _)) = text.split_once('=')
                    && is_name(name)
                {
                    let value = variables.assigned(word);
                    // Of several values each is looked at where it stands.
                    variables
                        .own
                        .entry(name.to_owned())
                        .and_modify(|value| *value = Text::known(SEEN))
                        .or_insert(value);
                }
            }
        }
        variables
    }

    /// The value in a word that assigns one.
    fn assigned(&self, word: &[Piece]) -> Text {
        /// The longest value that is put in for a variable, in bytes: variables of variables grow without end.
        const LONGEST: usize = 1024;
        let whole = self.text(word);
        match whole.raw().split_once('=') {
            Some((_, value)) if value.len() <= LONGEST => whole.part(value),
            _ => Text::unknown("a long text"),
        }
    }

    fn text(&self, word: &[Piece]) -> Text {
        let mut text = Text::default();
        for piece in word {
            match piece {
                Piece::Text(part) => text.push(&Text::known(part.as_str())),
                Piece::Variable(name, default) => text.push(&self.value(name, default.as_deref())),
                Piece::Output => text.push(&Text::unknown("what a command writes")),
            }
        }
        text
    }

    fn value(&self, name: &str, default: Option<&str>) -> Text {
        // What the container's own are called is asked elsewhere; a function's arguments stand where it is called.
        if ["POSTGRES_DB", "POSTGRES_USER"].contains(&name) || !is_name(name) {
            return Text::known(SEEN);
        }
        let set = self.own.get(name).or_else(|| self.environment.get(name));
        match (set, default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => Text::known(default),
            (None, None) => Text::unknown(name),
        }
    }
}

/// Whether this is the name of a variable.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
