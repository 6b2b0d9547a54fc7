//! Whose a container is, by what it is called and what it makes; and whether it is a database.

use std::collections::BTreeMap;

use super::connection;
use super::container::Container;
use super::image::DATA;
use super::provided::Grant;
use super::text::Text;
use crate::manifest::{Service, Store};

/// The endings of a database container's name, after its service's.
const ENDS: [&str; 8] = [
    "-db",
    "_db",
    "-postgres",
    "-postgresql",
    "-timescaledb",
    "-timescale",
    "-database",
    "-pg",
];

pub(super) fn only(services: &[Service], is: impl Fn(&Service) -> bool) -> Option<usize> {
    let mut found = services
        .iter()
        .enumerate()
        .filter(|(_, service)| is(service))
        .map(|(index, _)| index);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The names that a container was given itself.
fn own_names(container: &Container) -> impl Iterator<Item = &str> {
    std::iter::once(container.name.as_str())
        .chain(container.container_name.iter().map(|name| name.text.raw()))
}

fn by_container_key(container: &Container, services: &[Service]) -> Option<usize> {
    own_names(container).find_map(|name| {
        only(services, |service| {
            service
                .container
                .as_ref()
                .is_some_and(|own| own.value == name)
        })
    })
}

pub(super) fn is_database(container: &Container, services: &[Service]) -> bool {
    if by_container_key(container, services).is_some() {
        return true;
    }
    let image = container
        .image_name()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_tool = [
        "exporter", "backup", "client", "admin", "pool", "bouncer", "rest", "meta", "migrat",
    ]
    .iter()
    .any(|word| image.contains(word));
    let is_server = ["timescaledb", "postgis", "pgvector", "spilo"]
        .iter()
        .any(|word| image.contains(word))
        || image.starts_with("postgres")
        || image.ends_with("-postgres");
    let keeps = container
        .mounts
        .iter()
        .any(|mount| DATA.iter().any(|path| mount.lies_in(path)) || mount.is_init())
        || container.grants.iter().any(Grant::is_init);
    let is_set = |name: &str| container.variable(name).is_some();
    let is_told =
        is_set("POSTGRES_PASSWORD") || is_set("POSTGRES_PASSWORD_FILE") || is_set("PGDATA");
    !is_tool
        && !runs_a_program(container)
        && (is_server && !runs_a_tool(container) || keeps && (is_told || container.build))
}

/// Whether the container runs one of PostgreSQL's client programs, alone or in a shell, and no server beside it.
fn runs_a_program(container: &Container) -> bool {
    let environment = BTreeMap::new();
    let commands = connection::simple(&container.command, &environment);
    let mut programs = commands.iter().filter_map(|(_, words)| program_of(words));
    programs.any(connection::is_program) && !starts_a_server(container)
}

/// Whether the server is started: by name, or by the image's own script.
fn starts_a_server(container: &Container) -> bool {
    let environment = BTreeMap::new();
    let commands = connection::simple(&container.command, &environment);
    commands.iter().any(|(_, words)| {
        let mut names = words.iter().map(|word| base(word.raw()));
        let program = program_of(words).map(base);
        program.is_some_and(|program| ["postgres", "pg_ctl", "patroni"].contains(&program))
            // The image's script alone, or with options for the server.
            || program.is_none_or(|program| program.starts_with('-')) && names.any(|name| name == "docker-entrypoint.sh")
    })
}

/// The program of a simple command, behind assignments, keywords of the shell, and what runs another program.
fn program_of(words: &[Text]) -> Option<&str> {
    const BEFORE: [&str; 17] = [
        "!",
        "CMD",
        "command",
        "do",
        "docker-entrypoint.sh",
        "dumb-init",
        "elif",
        "else",
        "exec",
        "if",
        "nohup",
        "then",
        "time",
        "tini",
        "until",
        "while",
        "--",
    ];
    let mut words = words.iter().map(Text::raw);
    while let Some(word) = words.next() {
        match base(word) {
            "gosu" | "su-exec" => {
                words.next();
            }
            name if BEFORE.contains(&name) || word.contains('=') && !word.starts_with('-') => {}
            _ => return Some(word),
        }
    }
    None
}

/// The last part of a path.
fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Whether the server's image is used for its tools: a backup, a migration.
fn runs_a_tool(container: &Container) -> bool {
    if starts_a_server(container) {
        return false;
    }
    let first = container
        .command
        .iter()
        .flat_map(|field| field.text.raw().split_whitespace())
        .next();
    first.is_some_and(|word| {
        let word = word.rsplit('/').next().unwrap_or(word);
        [
            "sh",
            "bash",
            "psql",
            "pg_dump",
            "pg_dumpall",
            "pg_restore",
            "pg_isready",
            "pgbench",
            "sleep",
            "tail",
        ]
        .contains(&word)
    })
}

pub(super) fn database_owner(container: &Container, services: &[Service]) -> Option<usize> {
    if let Some(owner) = by_container_key(container, services) {
        return Some(owner);
    }
    // A service that should have no database is one by its own name.
    let keeps_files =
        |service: &Service, name: &str| service.store == Store::Files && service.name == name;
    let by_name = own_names(container).find_map(|name| {
        if let Some(owner) = only(services, |service| keeps_files(service, name)) {
            return Some(owner);
        }
        let stem = ENDS.iter().find_map(|end| name.strip_suffix(end))?;
        only(services, |service| service.name == stem).or_else(|| {
            only(services, |service| {
                service
                    .name
                    .strip_prefix(stem)
                    .is_some_and(|rest| rest.starts_with('-'))
            })
        })
    });
    let known = |name: &str| {
        container
            .variable(name)
            .and_then(|variable| variable.value.get())
    };
    by_name
        .or_else(|| {
            let database = known("POSTGRES_DB").or_else(|| known("POSTGRESQL_DATABASE"))?;
            only(services, |service| service.database_name() == database)
        })
        .or_else(|| {
            let user = known("POSTGRES_USER").or_else(|| known("POSTGRESQL_USERNAME"))?;
            only(services, |service| service.role_name() == Some(user))
        })
}

pub(super) fn client_owner(container: &Container, services: &[Service]) -> Option<usize> {
    let image = container.image_name();
    let all = || own_names(container).chain(image);
    let is_app =
        |service: &Service, name: &str| service.app.as_ref().is_some_and(|app| app.value == name);
    own_names(container)
        .find_map(|name| only(services, |service| is_app(service, name)))
        .or_else(|| all().find_map(|name| only(services, |service| service.name == name)))
        .or_else(|| {
            all().find_map(|name| {
                let padded = format!("-{}-", name.replace(['_', '.'], "-").to_ascii_lowercase());
                only(services, |service| {
                    padded.contains(&format!("-{}-", service.name.replace('_', "-")))
                })
            })
        })
}
