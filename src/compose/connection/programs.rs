//! What PostgreSQL's programs are told by their options: `psql -h … -d …`, `pg_isready --dbname=…` (PostgreSQL documentation,
//! "PostgreSQL Client Applications").

use std::collections::BTreeMap;

use super::names::part_of;
use super::strings::key;
use super::{Connection, Part};
use crate::compose::text::{Field, Text};
use crate::compose::{Place, dsn, shell};

/// The programs, each with its options of one letter that take a value.
const PROGRAMS: [(&str, &str); 17] = [
    ("clusterdb", "dhptU"),
    ("createdb", "DEhlOpSTU"),
    ("createuser", "acghmpUv"),
    ("dropdb", "hpU"),
    ("dropuser", "hpU"),
    ("pg_amcheck", "dDhiIjprRsStTU"),
    ("pg_basebackup", "cdDFhilprsStTUXZ"),
    ("pg_dump", "deEfFhjnNpStTUZ"),
    ("pg_dumpall", "dEfhlpSU"),
    ("pg_isready", "dhptU"),
    ("pg_receivewal", "dDEhpsSUZ"),
    ("pg_recvlogical", "dEfFhIoPpsSU"),
    ("pg_restore", "dfFhIjLnNpPStTU"),
    ("pgbench", "bcdDfFhIjLMpPRstTU"),
    ("psql", "cdfFhLopPRTUv"),
    ("reindexdb", "dhiIjpStU"),
    ("vacuumdb", "dhjnNpPtU"),
];
/// Those that take a database without an option, and psql a role after it.
const NAMED: [&str; 9] = [
    "clusterdb",
    "createdb",
    "dropdb",
    "pg_amcheck",
    "pg_dump",
    "pgbench",
    "psql",
    "reindexdb",
    "vacuumdb",
];
/// Those that take a role without an option.
const OF_ROLES: [&str; 2] = ["createuser", "dropuser"];
/// Long options beside those of [`long`] whose value may be the next word.
const LONG: [&str; 22] = [
    "command",
    "encoding",
    "file",
    "format",
    "jobs",
    "label",
    "locale",
    "maintenance-db",
    "option",
    "output",
    "owner",
    "pgdata",
    "plugin",
    "role",
    "schema",
    "set",
    "slot",
    "table",
    "tablespace",
    "target",
    "template",
    "variable",
];

/// Whether a word is the name or path of one of the programs.
pub(in crate::compose) fn is_program(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    PROGRAMS.iter().any(|(program, _)| *program == name)
}

/// The simple commands in a command's words. A word may be a script.
pub(in crate::compose) fn simple<'a>(
    words: &'a [Field],
    environment: &BTreeMap<String, Text>,
) -> Vec<(&'a Place, Vec<Text>)> {
    let Some(first) = words.first() else {
        return Vec::new();
    };
    let whole: Vec<Text> = words.iter().map(|field| field.text.clone()).collect();
    let mut commands = vec![(&first.place, whole)];
    for field in words {
        if field.text.raw().contains(char::is_whitespace) {
            let inner = shell::plain(field.text.raw(), environment);
            commands.extend(inner.into_iter().map(|words| (&field.place, words)));
        }
    }
    commands
}

/// The connections that the programs in a command's words make.
pub(super) fn connections(
    from: &str,
    words: &[Field],
    environment: &BTreeMap<String, Text>,
) -> Vec<Connection> {
    simple(words, environment)
        .into_iter()
        .filter_map(|(place, words)| connection(Connection::new(from, place), &words))
        .collect()
}

/// The connection of one command, if its program is one of PostgreSQL's.
fn connection(mut connection: Connection, words: &[Text]) -> Option<Connection> {
    let (at, (program, with_value)) = words.iter().enumerate().find_map(|(at, word)| {
        let name = word.raw().rsplit('/').next().unwrap_or_default();
        let known = PROGRAMS.iter().find(|(program, _)| *program == name)?;
        Some((at, known))
    })?;
    let mut parts: Vec<(Part, Text)> = Vec::new();
    // `PGHOST=… psql`
    for word in words.iter().take(at) {
        if let Some((name, value)) = word.raw().split_once('=')
            && let Some((begin, part)) = part_of(name)
            && begin == "PG"
        {
            parts.push((part, word.part(value)));
        }
    }
    let mut rest = words.iter().skip(at + 1);
    let mut plain = Vec::new();
    while let Some(word) = rest.next() {
        let raw = word.raw();
        if let Some(option) = raw.strip_prefix("--") {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(word.part(value))),
                None => (option, None),
            };
            let part = long(name);
            let value = match value {
                None if part.is_some() || LONG.contains(&name) => rest.next().cloned(),
                value => value,
            };
            parts.extend(part.zip(value));
        } else if let Some(letters) = raw.strip_prefix('-') {
            // Of letters in one word the first that takes a value has what follows it.
            let Some(place) = letters.find(|letter| with_value.contains(letter)) else {
                continue;
            };
            let (_, option) = letters.split_at_checked(place).unwrap_or_default();
            let mut chars = option.chars();
            let letter = chars.next();
            let value = match chars.as_str() {
                "" => rest.next().cloned(),
                value => Some(word.part(value)),
            };
            parts.extend(letter.and_then(short).zip(value));
        } else {
            plain.push(word.clone());
        }
    }
    if NAMED.contains(program) {
        let mut plain = plain.into_iter();
        parts.extend(plain.next().map(|name| (Part::Database, name)));
        parts.extend(
            plain
                .next()
                .filter(|_| *program == "psql")
                .map(|role| (Part::Role, role)),
        );
    } else if OF_ROLES.contains(program) {
        parts.extend(plain.into_iter().next().map(|role| (Part::Role, role)));
    }
    // Hosts come before their ports.
    parts.sort_by_key(|(part, _)| matches!(part, Part::Port));
    for (part, value) in parts {
        set(&mut connection, part, value);
    }
    let connection = connection.whole();
    connection.says_something().then_some(connection)
}

/// Takes a part. What stands for a database may be a string of pairs; a URL is found wherever it stands.
fn set(connection: &mut Connection, part: Part, value: Text) {
    let raw = value.raw();
    if !matches!(part, Part::Database) || !raw.contains('=') {
        if !raw.contains("://") {
            connection.set(part, value);
        }
        return;
    }
    for (name, inner) in dsn::pairs(raw) {
        if let Some(part) = key(name) {
            connection.set(part, value.part(inner));
        }
    }
}

fn long(option: &str) -> Option<Part> {
    Some(match option {
        "host" => Part::Host,
        "port" => Part::Port,
        "username" => Part::Role,
        "dbname" => Part::Database,
        _ => return None,
    })
}

fn short(option: char) -> Option<Part> {
    Some(match option {
        'h' => Part::Host,
        'p' => Part::Port,
        'U' => Part::Role,
        'd' => Part::Database,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::connections;
    use crate::compose::text::{Field, Text};
    use crate::compose::{Host, Place};

    fn shown(words: &[&str]) -> Vec<String> {
        let place = Place {
            file: "f".into(),
            line: 1,
            column: 1,
        };
        let words: Vec<Field> = words
            .iter()
            .map(|word| Field {
                text: Text::known(*word),
                place: place.clone(),
            })
            .collect();
        let environment = BTreeMap::from([("DB".to_owned(), Text::known("own"))]);
        let part = |part: &Option<Text>| part.as_ref().map_or_else(|| "-".to_owned(), Text::shown);
        connections("X", &words, &environment)
            .iter()
            .map(|found| {
                let host = |host: &Host| match &host.port {
                    Some(port) => format!("{} {}", host.name.shown(), port.shown()),
                    None => host.name.shown(),
                };
                let hosts: Vec<String> = found.hosts.iter().map(host).collect();
                format!(
                    "{} {} {}",
                    part(&found.role),
                    hosts.join(","),
                    part(&found.database)
                )
            })
            .collect()
    }

    #[test]
    fn the_options_of_programs_are_read() {
        for (words, expected) in [
            (
                vec!["CMD-SHELL", "pg_isready -U u -d d -h h -p 1"],
                vec!["u h 1 d"],
            ),
            (
                vec!["CMD", "pg_isready", "--host=h", "--dbname", "d"],
                vec!["- h d"],
            ),
            (vec!["psql -qAtd d -c 'select 1' -hh"], vec!["- h d"]),
            (vec!["psql -c 'select 1' d u"], vec!["u  d"]),
            (
                vec![
                    "sh",
                    "-c",
                    "until /usr/bin/psql -h h -d \"$DB\" -c '\\q'; do sleep 1; done",
                ],
                vec!["- h own"],
            ),
            (
                vec!["sh", "-c", "su postgres -c \"pg_dump -h h -f x d\""],
                vec!["- h d"],
            ),
            (vec!["createdb -h h -O owner -T template0 d"], vec!["- h d"]),
            (vec!["createuser -h h --createdb u"], vec!["u h -"]),
            (
                vec!["pg_basebackup -h h -D /b -U u -X stream"],
                vec!["u h -"],
            ),
            (
                vec!["pgbench", "-i", "-s", "10", "-h", "h", "d"],
                vec!["- h d"],
            ),
            (vec!["PGHOST=h PGPORT=2 psql d"], vec!["- h 2 d"]),
            (
                vec!["psql", "-d", "host=h port=3 dbname=d user=u"],
                vec!["u h 3 d"],
            ),
            (
                vec!["pg_isready -h a && pg_isready -h b"],
                vec!["- a -", "- b -"],
            ),
        ] {
            assert_eq!(shown(&words), expected, "{words:?}");
        }
        for words in [
            vec!["CMD-SHELL", "curl -h h -d d"],
            vec!["pg_isready"],
            vec!["psql postgres://u@h/d"],
            vec![],
        ] {
            assert_eq!(shown(&words), Vec::<String>::new(), "{words:?}");
        }
    }
}
