//! Where a container is told of connections: in its variables, and in the words of its command.

use std::collections::BTreeMap;

use super::names::{is_url_name, part_of};
use super::strings::in_text;
use super::{Connection, Part, programs};
use crate::compose::container::Container;
use crate::compose::text::Text;
use crate::compose::variable::Variable;

/// Schemes of URLs that lead to no PostgreSQL server.
const OTHERS: [&str; 20] = [
    "amqp",
    "cassandra",
    "clickhouse",
    "couchdb",
    "file",
    "h2",
    "http",
    "https",
    "libsql",
    "mariadb",
    "mongodb",
    "mssql",
    "mysql",
    "oracle",
    "redis",
    "rediss",
    "sqlite",
    "sqlite3",
    "sqlserver",
    "tcp",
];
/// What is said of a value that should be a URL.
const NO_URL: &str = "it is no URL that can be taken apart, so nothing of it is known; write postgres://role:password@host:port/database";

/// What is said of the name of a service in a file of libpq's.
pub(super) const SERVICE: &str = "it names an entry of libpq's service file, which is not known here; write host, database and role themselves";

/// Whether a variable says where libpq's service file is: it is read where the compose file gives it.
fn names_services(variable: &Variable) -> bool {
    ["PGSERVICEFILE", "PGSYSCONFDIR"]
        .iter()
        .any(|name| variable.name.eq_ignore_ascii_case(name))
}

/// Everything that a container is told to connect to.
pub(in crate::compose) fn of(container: &Container) -> Vec<Connection> {
    let mut found = in_variables(&container.environment);
    found.extend(in_command(container));
    let mut unique: Vec<Connection> = Vec::new();
    for connection in found {
        let same = |other: &Connection| {
            (&other.hosts, &other.database, &other.role)
                == (&connection.hosts, &connection.database, &connection.role)
                && other.options == connection.options
                && other.unread == connection.unread
        };
        if !unique.iter().any(same) {
            unique.push(connection);
        }
    }
    unique
}

/// What variables tell: URLs, and parts that belong together.
fn in_variables(variables: &[Variable]) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    let mut parts: BTreeMap<String, Connection> = BTreeMap::new();
    // An address wins over the name beside it, wherever it is written.
    let (addresses, named): (Vec<&Variable>, Vec<&Variable>) = variables
        .iter()
        .partition(|variable| variable.name.eq_ignore_ascii_case("PGHOSTADDR"));
    for variable in named.into_iter().chain(addresses) {
        let name = variable.name.to_ascii_uppercase();
        let urls = in_text(&variable.name, &variable.place, &variable.value);
        if !urls.is_empty() {
            found.extend(urls);
        } else if name == "PGSERVICE" {
            if !variables.iter().any(names_services) {
                found.push(Connection::unread(&variable.name, &variable.place, SERVICE));
            }
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
        } else if is_url_name(&name) && may_be_url(&variable.value) {
            found.push(Connection::unread(&variable.name, &variable.place, NO_URL));
        } else if let Some((begin, part)) = part_of(&name) {
            let shown = match name.rsplit_once("__") {
                Some((begin, _)) => format!("{begin}__…"),
                None => format!("{begin}…"),
            };
            parts
                .entry(begin)
                .or_insert_with(|| Connection::new(&shown, &variable.place))
                .set(part, variable.value.clone());
        }
    }
    let parts = parts.into_values().map(Connection::whole);
    found.extend(parts.filter(Connection::says_something));
    found
}

/// Whether the value of a variable for a URL could be one of PostgreSQL's: it is no other program's URL, and no path.
fn may_be_url(value: &Text) -> bool {
    let value = value.raw().trim().to_ascii_lowercase();
    let scheme = value.split_once(':').map(|(scheme, _)| scheme);
    let other = scheme.is_some_and(|scheme| {
        let scheme = scheme.strip_prefix("jdbc").unwrap_or(scheme);
        OTHERS.contains(&scheme.split('+').next().unwrap_or_default())
    });
    let is_path = value.starts_with(['/', '.', '~', ':'])
        || [".db", ".sqlite", ".sqlite3"]
            .iter()
            .any(|end| value.ends_with(end))
        || OTHERS
            .iter()
            .any(|other| value.starts_with(&format!("jdbc:{other}:")));
    !value.is_empty() && !other && !is_path
}

/// What the programs in a container's command, and its healthcheck and hooks, connect to.
pub(in crate::compose) fn calls(container: &Container) -> Vec<Connection> {
    let environment: BTreeMap<String, Text> = container
        .environment
        .iter()
        .map(|variable| (variable.name.clone(), variable.value.clone()))
        .collect();
    let mut found = programs::connections("the command", &container.command, &environment);
    // A server that is a standby of another one.
    for field in &container.command {
        if let Some((_, told)) = field.text.raw().split_once("primary_conninfo=") {
            let told = field.text.part(told.trim_matches(['\'', '"']));
            found.extend(in_text("primary_conninfo", &field.place, &told));
        }
    }
    for hook in &container.hooks {
        let texts = hook.words.iter();
        found.extend(texts.flat_map(|field| in_text(hook.from, &field.place, &field.text)));
        let mut environment = environment.clone();
        found.extend(
            in_variables(&hook.environment)
                .into_iter()
                .map(|told| Connection {
                    from: format!("{} of {}", told.from, hook.from),
                    ..told
                }),
        );
        let own = hook.environment.iter();
        environment.extend(own.map(|own| (own.name.clone(), own.value.clone())));
        found.extend(programs::connections(hook.from, &hook.words, &environment));
    }
    found
}

fn in_command(container: &Container) -> Vec<Connection> {
    let Some(first) = container.command.first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut parts = Connection::new("the command", &first.place);
    let mut open: Option<Part> = None;
    let mut opens_url = false;
    for field in &container.command {
        let urls = in_text("the command", &field.place, &field.text);
        if !urls.is_empty() {
            found.extend(urls);
            opens_url = false;
            continue;
        }
        for word in field.text.raw().split_whitespace() {
            let word = word.trim_matches(['"', '\'']);
            if let Some(part) = open.take() {
                parts.set(part, field.text.part(word));
                continue;
            }
            if std::mem::take(&mut opens_url) && may_be_url(&field.text.part(word)) {
                found.push(Connection::unread("the command", &field.place, NO_URL));
                continue;
            }
            let Some(flag) = word.strip_prefix("--") else {
                continue;
            };
            let (flag, value) = flag
                .split_once('=')
                .map_or((flag, None), |(flag, value)| (flag, Some(value)));
            let name = flag.replace('-', "_").to_ascii_uppercase();
            if is_url_name(&name) {
                opens_url = value.is_none();
                if value.is_some_and(|value| may_be_url(&field.text.part(value))) {
                    found.push(Connection::unread("the command", &field.place, NO_URL));
                }
                continue;
            }
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
