//! The databases that a container is told to connect to: URLs anywhere in its variables and words, `key=value` strings, and
//! variables or flags for the parts (`DB_HOST`, `PGUSER`, `--db-name`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use super::Place;
use super::container::Container;
use super::dsn;
use super::text::Text;
use crate::manifest::DEFAULT_PORT;

/// A way to a database, as far as it is written. It may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Where it is written: a variable's name, the beginning of several (`DB_…`), `the command`.
    pub from: String,
    /// Its place.
    pub place: Place,
    /// The hosts, which are tried in turn.
    pub hosts: Vec<Host>,
    /// The database.
    pub database: Option<Text>,
    /// The role.
    pub role: Option<Text>,
    /// The password.
    pub password: Option<Text>,
    /// Why nothing is known of it, if nothing is.
    pub unread: Option<String>,
}

/// A host of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name or address.
    pub name: Text,
    /// Its port; `None` for PostgreSQL's own.
    pub port: Option<Text>,
}

impl Host {
    /// The host, if it is known.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.name.get()
    }

    /// The port, if it is known.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
            .as_ref()
            .map_or(Some(DEFAULT_PORT), |port| port.get()?.parse().ok())
    }
}

/// What [`Connection::unread`] says of a text whose parts cannot be told apart: one that was taken for a role could hold the password.
const SHIFTED: &str =
    "its parts are not separated as libpq separates them, so none of them is known for sure";

impl Connection {
    fn new(from: &str, place: &Place) -> Self {
        Self {
            from: from.to_owned(),
            place: place.clone(),
            hosts: Vec::new(),
            database: None,
            role: None,
            password: None,
            unread: None,
        }
    }

    /// Whether it says anything about which database it is, if only that this cannot be read.
    fn says_something(&self) -> bool {
        !self.hosts.is_empty()
            || self.database.is_some()
            || self.role.is_some()
            || self.unread.is_some()
    }

    /// Takes a part. Hosts come before their ports, or a port before the one host.
    fn set(&mut self, part: Part, value: Text) {
        // An unset part is left to the driver.
        if value.is_empty() {
            return;
        }
        match part {
            Part::Host => {
                let port = self.hosts.pop().and_then(|open| open.port);
                self.hosts = value
                    .raw()
                    .split(',')
                    .map(|host| host_of(&value, host, port.as_ref()))
                    .collect();
            }
            Part::Port => self.set_ports(&value),
            Part::Database => self.database = Some(value),
            Part::Role => self.role = Some(value),
            Part::Password => self.password = Some(value),
        }
    }

    /// One port for all hosts, or one for each (PostgreSQL documentation, "Specifying Multiple Hosts").
    fn set_ports(&mut self, value: &Text) {
        if self.hosts.is_empty() {
            self.hosts.push(Host {
                name: Text::default(),
                port: Some(value.clone()),
            });
            return;
        }
        let ports: Vec<&str> = value.raw().split(',').collect();
        for (at, host) in self.hosts.iter_mut().enumerate() {
            let port = ports.get(at).or(ports.last()).copied().unwrap_or_default();
            if !port.is_empty() {
                host.port = Some(value.part(port));
            }
        }
    }

    /// The connection, unless a part of it looks as if it held more than one.
    fn whole(mut self) -> Self {
        // A port without a host is the driver's.
        self.hosts.retain(|host| !host.name.is_empty());
        let odd = |text: &Text, more: &[char]| {
            let odd = |c: char| c.is_whitespace() || ['=', ';', '&', ','].contains(&c);
            text.raw().contains(|c| odd(c) || more.contains(&c))
        };
        let is_odd = self.role.iter().any(|role| odd(role, &[':']))
            || self.database.iter().any(|name| odd(name, &[':', '@', '?']))
            || self.hosts.iter().any(|host| {
                let is_address = host
                    .get()
                    .is_some_and(|name| name.parse::<IpAddr>().is_ok());
                !is_address && odd(&host.name, &[':', '@', '?'])
                    || host
                        .port
                        .iter()
                        .any(|port| odd(port, &[':', '@', '?', '/']))
            });
        if !is_odd {
            return self;
        }
        Self {
            unread: Some(SHIFTED.to_owned()),
            ..Self::new(&self.from, &self.place)
        }
    }
}

/// A host, with a port behind it or without.
fn host_of(text: &Text, written: &str, port: Option<&Text>) -> Host {
    let (name, own) = match written
        .strip_prefix('[')
        .and_then(|host| host.split_once(']'))
    {
        Some((name, port)) => (name, port.strip_prefix(':')),
        // An IPv6 address without brackets has no port.
        None if written.parse::<IpAddr>().is_ok() => (written, None),
        None => written
            .rsplit_once(':')
            .map_or((written, None), |(name, port)| (name, Some(port))),
    };
    let own = own
        .filter(|port| !port.is_empty())
        .map(|port| text.part(port));
    Host {
        name: decoded(text, name.trim_end_matches('.')),
        port: own.or_else(|| port.cloned()),
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Host,
    Port,
    Database,
    Role,
    Password,
}

/// How variables and flags end that name a part, longest first.
const ENDS: [(&str, Part); 17] = [
    ("DATABASE_NAME", Part::Database),
    ("DATABASE", Part::Database),
    ("PASSWORD", Part::Password),
    ("HOSTNAME", Part::Host),
    ("USERNAME", Part::Role),
    ("ADDRESS", Part::Host),
    ("DB_NAME", Part::Database),
    ("DBNAME", Part::Database),
    ("PASSWD", Part::Password),
    ("SERVER", Part::Host),
    ("PASS", Part::Password),
    ("HOST", Part::Host),
    ("PORT", Part::Port),
    ("NAME", Part::Database),
    ("USER", Part::Role),
    ("ROLE", Part::Role),
    ("DB", Part::Database),
];

/// What such names begin with, alone or after a `_`.
const BEGINS: [&str; 5] = ["DB_", "PG_", "DATABASE_", "POSTGRES_", "POSTGRESQL_"];

/// The beginning and the part of a variable such as `K_SOCIAL_DB_HOST` or `PGUSER`.
fn part_of(name: &str) -> Option<(&str, Part)> {
    ENDS.iter().find_map(|(end, part)| {
        let begin = name.strip_suffix(end)?;
        let is_known = begin == "PG"
            || BEGINS.iter().any(|known| {
                begin
                    .strip_suffix(known)
                    .is_some_and(|before| before.is_empty() || before.ends_with('_'))
            });
        is_known.then_some((begin, *part))
    })
}

/// Whether a variable of this name holds a whole URL.
fn is_url_name(name: &str) -> bool {
    ["URL", "URI", "DSN"].iter().any(|end| {
        name.strip_suffix(end).is_some_and(|begin| {
            let begin = begin.trim_end_matches('_');
            ["DATABASE", "DB", "POSTGRES", "POSTGRESQL", "PG", "SQL"]
                .iter()
                .any(|word| begin == *word || begin.ends_with(&format!("_{word}")))
        })
    })
}

/// Everything that a container is told to connect to.
pub(super) fn of(container: &Container) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    let mut parts: BTreeMap<String, Connection> = BTreeMap::new();
    for variable in &container.environment {
        let name = variable.name.to_ascii_uppercase();
        let urls = in_text(&variable.name, &variable.place, &variable.value);
        if !urls.is_empty() {
            found.extend(urls);
        } else if let Some(begin) = name
            .strip_suffix("_FILE")
            .filter(|begin| is_url_name(begin))
        {
            let mut connection = Connection::new(&variable.name, &variable.place);
            connection.unread = Some(format!(
                "what {begin} is read from is no part of the compose file"
            ));
            found.push(connection);
        } else if is_url_name(&name) && variable.value.get().is_none() {
            let mut connection = Connection::new(&variable.name, &variable.place);
            connection.unread = Some(format!(
                "{} is not set here",
                variable
                    .value
                    .variables
                    .iter()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
            found.push(connection);
        } else if let Some((begin, part)) = part_of(&name) {
            parts
                .entry(begin.to_owned())
                .or_insert_with(|| Connection::new(&format!("{begin}…"), &variable.place))
                .set(part, variable.value.clone());
        }
    }
    let parts = parts.into_values().map(Connection::whole);
    found.extend(parts.filter(Connection::says_something));
    found.extend(in_command(container));
    let mut unique: Vec<Connection> = Vec::new();
    for connection in found {
        let same = |other: &Connection| {
            (&other.hosts, &other.database, &other.role)
                == (&connection.hosts, &connection.database, &connection.role)
                && other.unread == connection.unread
        };
        if !unique.iter().any(same) {
            unique.push(connection);
        }
    }
    unique
}

fn in_command(container: &Container) -> Vec<Connection> {
    let Some(first) = container.command.first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut parts = Connection::new("the command", &first.place);
    let mut open: Option<Part> = None;
    for field in &container.command {
        let urls = in_text("the command", &field.place, &field.text);
        if !urls.is_empty() {
            found.extend(urls);
            continue;
        }
        for word in field.text.raw().split_whitespace() {
            let word = word.trim_matches(['"', '\'']);
            if let Some(part) = open.take() {
                parts.set(part, field.text.part(word));
                continue;
            }
            let Some(flag) = word.strip_prefix("--") else {
                continue;
            };
            let (flag, value) = flag
                .split_once('=')
                .map_or((flag, None), |(flag, value)| (flag, Some(value)));
            let name = flag.replace('-', "_").to_ascii_uppercase();
            let Some((_, part)) = part_of(&name) else {
                continue;
            };
            parts.place = field.place.clone();
            match value {
                Some(value) => parts.set(part, field.text.part(value.trim_matches(['"', '\'']))),
                None => open = Some(part),
            }
        }
    }
    let parts = parts.whole();
    if parts.says_something() {
        found.push(parts);
    }
    found
}

/// The URLs and `key=value` strings in one text.
fn in_text(from: &str, place: &Place, text: &Text) -> Vec<Connection> {
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
        if !["postgres", "postgresql"].contains(&word.split('+').next().unwrap_or_default()) {
            continue;
        }
        let rest = raw.get(begin..).unwrap_or_default();
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'))
            .unwrap_or(rest.len());
        let url = rest.get(..end).unwrap_or_default();
        at = begin + end;
        found.push(url_of(from, place, text, url));
    }
    if found.is_empty()
        && let Some(connection) = pairs(from, place, text)
    {
        found.push(connection);
    }
    found
}

fn decoded(text: &Text, part: &str) -> Text {
    text.part(percent_decode_str(part).decode_utf8_lossy())
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
        if let Some(part) = key(name) {
            connection.set(part, decoded(text, value));
        }
    }
    connection.whole()
}

/// A key of libpq's and ADO.NET's connection strings.
fn key(name: &str) -> Option<Part> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "host" | "hostaddr" | "server" => Part::Host,
        "port" => Part::Port,
        "dbname" | "database" => Part::Database,
        "user" | "username" | "user id" => Part::Role,
        "password" => Part::Password,
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
            known += 1;
            connection.set(part, text.part(value));
        }
    }
    (known >= 2 && connection.says_something()).then(|| connection.whole())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Host, in_text, is_url_name, part_of};
    use crate::compose::interpolate::interpolate;
    use crate::compose::{Place, Text};

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
        for text in ["http://h/d", "mysql://u@h/d", "a=b", "postgres", ""] {
            assert_eq!(shown(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn names_of_parts() {
        for (name, begin) in [
            ("PGHOST", "PG"),
            ("K_SOCIAL_DB_HOST", "K_SOCIAL_DB_"),
            ("DB_NAME", "DB_"),
            ("POSTGRES_DB", "POSTGRES_"),
        ] {
            assert_eq!(part_of(name).unwrap().0, begin, "{name}");
        }
        for name in ["HOST", "HOSTNAME", "REDIS_HOST", "MYDB", "PGDATA"] {
            assert!(part_of(name).is_none(), "{name}");
        }
        assert!(is_url_name("DATABASE_URL") && is_url_name("K_SOCIAL_DATABASE_URL"));
        assert!(!is_url_name("NODE_URL"));
    }
}
