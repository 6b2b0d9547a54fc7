//! The databases that a container is told to connect to: URLs anywhere in its variables and words, `key=value` strings, and
//! variables or flags for the parts (`DB_HOST`, `PGUSER`, `--db-name`).

mod mention;
mod names;
mod programs;
mod search;
mod strings;

use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use super::Place;
use super::text::Text;
use crate::manifest::DEFAULT_PORT;

pub(super) use mention::mentions;
pub(super) use names::is_password_name;
pub(super) use programs::{is_program, simple};
pub(super) use search::{calls, of};
pub(super) use strings::of_passfile;

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
    /// What the server is told with it: libpq's `options`.
    pub options: Option<Text>,
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
            options: None,
            unread: None,
        }
    }

    /// One of which nothing is known but where it is written, and why.
    fn unread(from: &str, place: &Place, why: impl Into<String>) -> Self {
        Self {
            unread: Some(why.into()),
            ..Self::new(from, place)
        }
    }

    /// The value of a parameter that `options` set, as in `-c search_path=a` (PostgreSQL documentation, "Parameter Key Words").
    #[must_use]
    pub fn option(&self, parameter: &str) -> Option<String> {
        let text = self.options.as_ref()?.get()?;
        let mut words: Vec<String> = vec![String::new()];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match (c, words.last_mut()) {
                (c, _) if c.is_whitespace() => words.push(String::new()),
                // A blank within a value is written behind a backslash.
                ('\\', Some(word)) => word.extend(chars.next()),
                (c, Some(word)) => word.push(c),
                (_, None) => {}
            }
        }
        let mut pairs = words.iter().filter_map(|word| {
            let set = word.strip_prefix("-c").or_else(|| word.strip_prefix("--"));
            let (name, value) = set.unwrap_or(word).split_once('=')?;
            (name.replace('-', "_").eq_ignore_ascii_case(parameter)).then(|| value.to_owned())
        });
        pairs.next_back()
    }

    /// Whether it says anything about which database it is, if only that this cannot be read.
    fn says_something(&self) -> bool {
        !self.hosts.is_empty()
            || self.database.is_some()
            || self.role.is_some()
            || self.options.is_some()
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
            Part::Options => self.options = Some(value),
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
        Self::unread(&self.from, &self.place, SHIFTED)
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
    Options,
}

fn decoded(text: &Text, part: &str) -> Text {
    text.part(percent_decode_str(part).decode_utf8_lossy())
}
