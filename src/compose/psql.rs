//! psql's own commands in a text of SQL (PostgreSQL documentation, "psql", "Meta-Commands"), as far as they name something.

use super::text::Text;

/// What the commands name.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// Words that may be the name of a database or role.
    pub(super) words: Vec<Text>,
    /// Names of tables.
    pub(super) tables: Vec<Text>,
    /// Paths in the container of the files that are read.
    pub(super) files: Vec<Text>,
}

/// Reads the commands of a script that lies at this path of the container.
pub(super) fn commands(sql: &Text, path: &str) -> Commands {
    let mut found = Commands::default();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for line in sql.raw().lines() {
        let Some(line) = line.trim_start().strip_prefix('\\') else {
            continue;
        };
        let mut words = line.split_whitespace();
        let command = words.next().unwrap_or_default();
        let mut arguments = words
            .map(|word| sql.part(word.trim_matches(['\'', '"', ';'])))
            .filter(|word| !word.is_empty());
        match command {
            "c" | "connect" | "set" => {
                for word in arguments {
                    if let Some((_, value)) = word.raw().split_once('=') {
                        found.words.push(word.part(value));
                    }
                    found.words.push(word);
                }
            }
            "copy" => found.tables.extend(
                arguments
                    .next()
                    .filter(|table| !table.raw().starts_with('(')),
            ),
            "i" | "include" => found
                .files
                .extend(arguments.next().map(|file| below("", &file))),
            "ir" | "include_relative" => {
                found
                    .files
                    .extend(arguments.next().map(|file| below(folder, &file)));
            }
            _ => {}
        }
    }
    found
}

fn below(folder: &str, file: &Text) -> Text {
    if file.raw().starts_with('/') {
        return file.clone();
    }
    file.part(format!("{folder}/{}", file.raw()))
}
