//! Connections that are written as one text: URLs, and `key=value` strings.

use super::search::SERVICE;
use super::{Connection, Part, decoded, host_of};
use crate::compose::text::Text;
use crate::compose::{Place, dsn};

/// The schemes of PostgreSQL's URLs (PostgreSQL documentation, "Connection URIs").
const SCHEMES: [&str; 2] = ["postgres", "postgresql"];
/// Schemes of drivers that mean PostgreSQL without being its own.
const ALIKE: [&str; 6] = [
    "pgsql",
    "postgis",
    "psql",
    "timescale",
    "timescaledb",
    "timescalegis",
];
/// How JDBC's URLs begin.
const JDBC: &str = "jdbc:postgresql:";
/// What [`Connection::unread`] says of a URL of another scheme.
const UNKNOWN_SCHEME: &str = "its scheme is not postgres:// or postgresql://, so what it names is not known; write one of these";
/// What it says of a URL that ends before its host.
const CUT: &str = "the URL has a blank or a quote in its role or password; write it percent-encoded (%20, %22, %27)";

/// Whether a scheme means PostgreSQL or is a slip of the pen for it.
fn is_nearly_ours(scheme: &str) -> bool {
    ALIKE.contains(&scheme)
        || SCHEMES
            .iter()
            .any(|own| strsim::damerau_levenshtein(own, scheme) <= 2)
}

/// Whether a URL, from behind its `://`, ends within its password: what follows holds the `@`.
fn is_cut_short(url: &str) -> bool {
    let authority = url.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    authority.len() == url.len() || port.contains(|c: char| c.is_ascii_alphabetic())
}

/// Where a URL ends that is followed by another one, as lists of them are written: `postgres://…,postgres://…`.
fn next_of_list(url: &str) -> Option<usize> {
    url.match_indices([',', ';', '|'])
        .map(|(at, _)| at)
        .find(|at| {
            let next = url.get(at + 1..).and_then(|rest| rest.split_once("://"));
            next.is_some_and(|(scheme, _)| {
                let scheme = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
                let scheme = scheme.split('+').next().unwrap_or_default();
                SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
            })
        })
}

/// The URLs and `key=value` strings in one text.
pub(super) fn in_text(from: &str, place: &Place, text: &Text) -> Vec<Connection> {
    let raw = text.raw();
    let lower = raw.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(scheme) = lower.get(at..).and_then(|rest| rest.find("://")) {
        let begin = at + scheme + 3;
        at = begin;
        let before = lower.get(..begin - 3).unwrap_or_default();
        let word = before
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '+')
            .next()
            .unwrap_or_default();
        let scheme = word.split('+').next().unwrap_or_default();
        if !SCHEMES.contains(&scheme) {
            if is_nearly_ours(scheme) {
                found.push(Connection::unread(from, place, UNKNOWN_SCHEME));
            }
            continue;
        }
        let rest = raw.get(begin..).unwrap_or_default();
        // Quotes around a URL end it; one that stands alone may have them in its password.
        let is_alone =
            [word.to_owned(), format!("jdbc:{word}")].contains(&before.trim_start().to_owned());
        let end = rest
            .find(|c: char| {
                c.is_whitespace() || !is_alone && matches!(c, '"' | '\'' | '`' | '<' | '>')
            })
            .unwrap_or(rest.len());
        let end = rest.get(..end).and_then(next_of_list).unwrap_or(end);
        let url = rest.get(..end).unwrap_or_default();
        at = begin + end;
        let after = rest.get(end..).unwrap_or_default();
        let after = after.split("://").next().unwrap_or_default();
        if after.contains('@') && is_cut_short(url) {
            found.push(Connection::unread(from, place, CUT));
            continue;
        }
        found.push(url_of(from, place, text, url));
    }
    if found.is_empty()
        && let Some(connection) = jdbc(from, place, text).or_else(|| pairs(from, place, text))
    {
        found.push(connection);
    }
    found
}

/// JDBC's form without a host, `jdbc:postgresql:database`: it leads to the container itself.
fn jdbc(from: &str, place: &Place, text: &Text) -> Option<Connection> {
    let raw = text.raw().trim();
    let begin = raw.get(..JDBC.len())?;
    let rest = raw.get(JDBC.len()..)?;
    if !begin.eq_ignore_ascii_case(JDBC) || rest.is_empty() {
        return None;
    }
    let url = format!("localhost/{}", rest.trim_start_matches('/'));
    Some(url_of(from, place, text, &url))
}

/// Takes a URL apart, from behind its `://`. A stray `@` or `/` may shift every border in it, so then nothing is taken from it.
fn url_of(from: &str, place: &Place, text: &Text, url: &str) -> Connection {
    let mut connection = Connection::new(from, place);
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let (authority, path) = before.split_once('/').unwrap_or((before, ""));
    if authority.matches('@').count() > 1 || path.contains(['@', '/']) || query.contains('@') {
        connection.unread = Some(
            "the URL has more than one @ or /; characters such as @ : / ? # % in a role, password or database must be percent-encoded"
                .to_owned(),
        );
        return connection;
    }
    let (credentials, hosts) = authority.split_once('@').unwrap_or(("", authority));
    let (role, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    connection.set(Part::Role, decoded(text, role));
    connection.set(Part::Password, decoded(text, password));
    connection.set(Part::Database, decoded(text, path));
    connection.hosts = hosts
        .split(',')
        .map(|host| host_of(text, host, None))
        .filter(|host| !host.name.is_empty())
        .collect();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if name == "service" {
            connection.unread = Some(SERVICE.to_owned());
        } else if let Some(part) = key(name) {
            connection.set(part, decoded(text, value));
        }
    }
    connection.whole()
}

/// The entries of libpq's password file, `host:port:database:role:password`; none where a line is anything else (PostgreSQL
/// documentation, "The Password File").
pub(in crate::compose) fn of_passfile(from: &str, place: &Place, text: &Text) -> Vec<Connection> {
    let lines = text.raw().lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        // A colon within a part is written behind a backslash.
        let line = line.replace("\\:", "\u{0}");
        let parts: Vec<String> = line
            .split(':')
            .map(|part| part.replace('\u{0}', ":"))
            .collect();
        let [host, port, database, role, password] = parts.as_slice() else {
            return None;
        };
        let is_port = port == "*" || port.parse::<u16>().is_ok();
        let mut connection = Connection::new(from, place);
        let parts = [
            (Part::Host, host),
            (Part::Port, port),
            (Part::Database, database),
            (Part::Role, role),
            (Part::Password, password),
        ];
        for (part, value) in parts.into_iter().filter(|(_, value)| *value != "*") {
            connection.set(part, text.part(value.clone()));
        }
        is_port.then(|| connection.whole())
    };
    lines.map(entry).collect::<Option<_>>().unwrap_or_default()
}

/// A key of libpq's and ADO.NET's connection strings.
pub(super) fn key(name: &str) -> Option<Part> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "host" | "hostaddr" | "server" => Part::Host,
        "port" => Part::Port,
        "dbname" | "database" => Part::Database,
        "user" | "username" | "user id" => Part::Role,
        "password" => Part::Password,
        "options" => Part::Options,
        _ => return None,
    })
}

/// A string such as `host=… dbname=…`, or `Host=…;Database=…`.
fn pairs(from: &str, place: &Place, text: &Text) -> Option<Connection> {
    let raw = text.raw();
    let pairs = if raw.contains(';') {
        raw.split(';')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name, value.trim().trim_matches(['"', '\'']).to_owned()))
            .collect()
    } else {
        dsn::pairs(raw)
    };
    let mut connection = Connection::new(from, place);
    let mut known = 0;
    for (name, value) in pairs {
        if let Some(part) = key(name.trim_matches(['"', '\''])) {
            known += usize::from(!matches!(part, Part::Options));
            connection.set(part, text.part(value));
        }
    }
    (known >= 2 && connection.says_something()).then(|| connection.whole())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::in_text;
    use crate::compose::{Host, Place, Text};
    use crate::dotenv::interpolate;

    fn shown(text: &str) -> Vec<String> {
        let place = Place {
            file: "f".into(),
            line: 1,
            column: 1,
        };
        let text = interpolate(text, &|_| None).unwrap();
        let part = |part: &Option<Text>| part.as_ref().map_or_else(|| "-".to_owned(), Text::shown);
        in_text("X", &place, &text)
            .iter()
            .map(|found| {
                if found.unread.is_some() {
                    return "unread".to_owned();
                }
                let host = |host: &Host| match &host.port {
                    Some(port) => format!("{} {}", host.name.shown(), port.shown()),
                    None => host.name.shown(),
                };
                let hosts: Vec<String> = found.hosts.iter().map(host).collect();
                format!(
                    "{} {} {} {}",
                    part(&found.role),
                    part(&found.password),
                    hosts.join(","),
                    part(&found.database)
                )
            })
            .collect()
    }

    #[test]
    fn connections_are_found_in_any_text() {
        for (text, expected) in [
            ("postgres://u:${P:?}@h:5432/d", "u ${P} h 5432 d"),
            ("postgresql+asyncpg://u@h/d?sslmode=require", "u - h d"),
            ("jdbc:postgresql://h:1/d?user=u&password=p", "u p h 1 d"),
            (
                "-d postgres://u:p%40x@h,[::1]:2/d%2Fe --more",
                "u p@x h,::1 2 d/e",
            ),
            ("sh -c \"run --db 'postgres://u@h/d'\"", "u - h d"),
            ("host=h dbname=d user=u", "u - h d"),
            (
                "Host=h;Port=1;Database=d;Username=u;Password=p q",
                "u p q h 1 d",
            ),
            (
                "postgres://${USER_PART}@${HOST}:${PORT}/${DB}",
                "${USER_PART} - ${HOST} ${PORT} ${DB}",
            ),
            ("postgres://u@a:1,b,c:3/d", "u - a 1,b,c 3 d"),
            ("host=a,b port=1,2 dbname=d", "- - a 1,b 2 d"),
            ("port=1 host=a,b dbname=d", "- - a 1,b 1 d"),
            ("host=h\ndbname=d\tuser=u\r\npassword=p", "u p h d"),
            (
                "host = 'h' user = u password = 'p w\\'x' dbname = d",
                "u p w'x h d",
            ),
            ("psql 'host=h dbname=d'", "- - h d"),
            ("psql postgres://u:p@h:1/d -c \"select 'a@b'\"", "u p h 1 d"),
            // A scheme that is nobody's may lead anywhere.
            ("postgress://u:p@h/d", "unread"),
            ("timescaledb://u:p@h/d", "unread"),
            ("postgres://u:p w@h:1/d", "unread"),
            ("postgres://u:p'w@h:1/d", "u p'w h 1 d"),
            ("--db=postgres://u:p'w@h:1/d", "unread"),
            // Where a border is doubtful, what is taken for a role could hold the password.
            ("postgres://u@h/d;password=p", "unread"),
            ("postgres://u@h/d&password=p", "unread"),
            ("jdbc:postgresql://h/d;user=u;password=p", "unread"),
            ("jdbc:postgresql://h/d?user=u;password=p", "unread"),
            ("Server=h;User Id=u Password=p;Database=d", "unread"),
            ("host=h dbname=d user=u,password=p", "unread"),
            ("postgres://u%3Ap@h/d", "unread"),
            ("postgres://u:p@w@h/d", "unread"),
            ("postgres://u:p/w@h/d", "unread"),
            ("postgres://u:p?w@h/d", "unread"),
        ] {
            assert_eq!(shown(text), [expected], "{text}");
        }
        for text in [
            "http://h/d",
            "progress://h",
            "sqlite:///d",
            "mysql://u@h/d",
            "a=b",
            "postgres",
            "",
        ] {
            assert_eq!(shown(text), Vec::<String>::new(), "{text}");
        }
    }
}
