//! Commands of psql. The server does not know them; they are cut out, so that they disturb the reading of nothing else.

use super::Act;
use crate::migration::statements::statements;
use crate::migration::tokens::{Kind, tokens};
use crate::migration::words::{Words, psql_command};

/// The text with blanks in place of psql's commands and of the rows after COPY … FROM STDIN, every other byte where it was; and the
/// commands with their places.
pub(super) fn cut_out(sql: &str) -> (String, Vec<(usize, Act)>) {
    let mut text = without_rows(sql);
    let mut commands = Vec::new();
    // A quote in a command's argument would hide what follows: one command after the other.
    while text.contains('\\') {
        let Some(at) = tokens(&text)
            .find(|token| token.kind == Kind::Symbol && token.text == "\\")
            .map(|token| token.at)
        else {
            break;
        };
        let rest = text.get(at..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default().to_owned();
        commands.push((at, act(&line)));
        // What ends a statement in psql (\gexec) ends it here as well.
        let blanks = format!(";{}", " ".repeat(line.len().saturating_sub(1)));
        text.replace_range(at..at + line.len(), &blanks);
    }
    (text, commands)
}

/// Rows of data are no statements, up to the line `\.` that ends them.
pub(in crate::migration) fn without_rows(sql: &str) -> String {
    let mut text = sql.to_owned();
    if !sql.to_ascii_lowercase().contains("stdin") {
        return text;
    }
    let mut from = 0;
    while let Some(rest) = text.get(from..) {
        let copy = statements(rest).into_iter().find_map(|statement| {
            let mut words = Words::new(statement.text);
            (words.eat(&["copy"]) && words.has(&["from", "stdin"]))
                .then_some(from + statement.at + statement.text.len())
        });
        let Some(begin) = copy else { break };
        let rows = text.get(begin..).unwrap_or_default();
        let end = rows
            .find("\n\\.")
            .map_or(text.len(), |at| begin + at + "\n\\.".len());
        // The semicolon may be the first of these bytes.
        let blanks: String = text
            .get(begin..end)
            .unwrap_or_default()
            .char_indices()
            .map(|(at, c)| match (at, c) {
                (0, _) => ";".to_owned(),
                (_, '\n') => "\n".to_owned(),
                _ => " ".repeat(c.len_utf8()),
            })
            .collect();
        text.replace_range(begin..end, &blanks);
        from = end;
    }
    text
}

fn act(line: &str) -> Act {
    let (command, arguments) = psql_command(line);
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let command = command.to_owned();
    let target = match command.as_str() {
        "\\c" | "\\connect" => database(&arguments),
        "\\i" | "\\ir" | "\\include" | "\\include_relative" | "\\cd" => arguments
            .first()
            .map(|file| file.trim_matches('\'').to_owned())
            .unwrap_or_default(),
        // What else a command is given may be anything, a password too.
        _ => String::new(),
    };
    Act::Psql { command, target }
}

/// The database that `\connect` leads to, without user and password.
fn database(arguments: &[&str]) -> String {
    let whole = arguments.join(" ");
    let whole = whole.trim_matches(['\'', '"']);
    if let Some((_, rest)) = whole.split_once("://") {
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        return place.split('?').next().unwrap_or_default().to_owned();
    }
    if whole.contains('=') {
        let value = |key: &str| {
            let (_, rest) = whole.split_once(&format!("{key}="))?;
            rest.split([' ', '\'']).next()
        };
        let database = value("dbname").map(|name| match name.contains("://") {
            true => database(&[name]),
            false => name.to_owned(),
        });
        return [database, value("host").map(str::to_owned)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" at ");
    }
    arguments
        .first()
        .map(|name| name.trim_matches(['\'', '"']).to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::cut_out;
    use crate::migration::effects::Act;

    #[test]
    fn commands_go_and_everything_else_stays_where_it_was() {
        let sql = "SELECT 1;\n\\echo it's\n\\c postgres://u:canary@h:1/db?x=y\nSELECT '\\x' \\gexec\nSELECT 2";
        let (text, commands) = cut_out(sql);
        assert_eq!(text.len(), sql.len());
        assert_eq!(text.find("SELECT 2"), sql.find("SELECT 2"));
        assert!(text.contains("'\\x' ;"), "{text}");
        let told: Vec<(String, String)> = commands
            .into_iter()
            .filter_map(|(_, act)| match act {
                Act::Psql { command, target } => Some((command, target)),
                _ => None,
            })
            .collect();
        let expected = [("\\echo", ""), ("\\c", "h:1/db"), ("\\gexec", "")];
        assert_eq!(
            told,
            expected.map(|(command, target)| (command.to_owned(), target.to_owned()))
        );
    }

    #[test]
    fn a_connection_string_is_told_without_its_password() {
        let (_, commands) = cut_out("\\connect \"dbname=other host=h password=canary\"");
        assert_eq!(
            commands.first().map(|(_, act)| act),
            Some(&Act::Psql {
                command: "\\connect".to_owned(),
                target: "other at h".to_owned()
            })
        );
    }

    #[test]
    fn no_argument_is_told_as_a_part_of_the_command() {
        for sql in [
            "\\!PGPASSWORD=canary psql",
            "\\set'canary'",
            "\\c \"dbname=postgres://u:canary@h/d host=h\"",
        ] {
            let (_, commands) = cut_out(sql);
            assert!(!format!("{commands:?}").contains("canary"), "{commands:?}");
        }
    }

    #[test]
    fn rows_of_copy_are_no_statements() {
        let sql = "COPY a FROM STDIN;\n1\tit's\n\\.\nDROP TABLE b;";
        let (text, commands) = cut_out(sql);
        assert_eq!(commands, []);
        assert_eq!(text.find("DROP TABLE b"), sql.find("DROP TABLE b"));
        assert!(!text.contains("it's"), "{text}");
    }
}
