//! Connections that are not written in one variable: URLs in the configs, secrets and mounted files of a container, and a role and password beside a
//! URL (`SPRING_DATASOURCE_URL` with `SPRING_DATASOURCE_USERNAME`).

use super::Place;
use super::connection::{self, Connection};
use super::container::Container;
use super::text::Text;
use super::variable::Variable;

/// The connections that the configs, secrets and mounted files of a container hold, and what of these could not be read.
pub(super) fn of(container: &Container) -> (Vec<Connection>, Vec<String>) {
    let mut found = Vec::new();
    let mut unread = Vec::new();
    for grant in &container.grants {
        let file = grant.file();
        match file.text() {
            Ok(text) => found.extend(of_text(container, file.shown, text, &grant.place)),
            // A secret that is not here is as it should be.
            Err(why) if grant.kind == "config" => unread.push(why),
            Err(_) => {}
        }
    }
    for mount in container.mounts.iter().filter(|mount| !mount.is_init()) {
        // Of a folder nothing tells which file in it is read.
        if let Some(file) = container.file(mount.target.raw())
            && let Ok(text) = file.text()
        {
            found.extend(of_text(container, file.shown, text, &mount.place));
        }
    }
    (found, unread)
}

/// The connections that a file in the container holds: a text is read as a variable's value is.
fn of_text(container: &Container, shown: String, text: Text, place: &Place) -> Vec<Connection> {
    let passwords = connection::of_passfile(&shown, place, &text);
    if !passwords.is_empty() {
        return passwords;
    }
    let holder = Container {
        environment: vec![Variable {
            name: shown,
            value: text,
            place: place.clone(),
        }],
        command: Vec::new(),
        ..container.clone()
    };
    connection::of(&holder)
}

/// The connections that `build.args` of a container hold.
pub(super) fn of_build(container: &Container) -> Vec<Connection> {
    let holder = Container {
        environment: container.build_arguments.clone(),
        command: Vec::new(),
        ..container.clone()
    };
    let mut found = connection::of(&holder);
    complete(&mut found, &holder);
    for connection in &mut found {
        connection.from = format!("build.args {}", connection.from);
    }
    found
}

/// Puts role and password into connections whose URL has none, from the variables beside it.
pub(super) fn complete(connections: &mut [Connection], container: &Container) {
    let known: Vec<String> = connections.iter().map(|it| it.from.clone()).collect();
    for connection in connections {
        let name = connection.from.to_ascii_uppercase();
        let Some(begin) = ["URL", "URI", "DSN"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
        else {
            continue;
        };
        // Parts that make a connection of their own are told there.
        if begin.is_empty() || known.contains(&format!("{begin}…")) || connection.hosts.is_empty()
        {
            continue;
        }
        let beside = |ends: &[&str]| {
            let mut variables = container.environment.iter();
            variables
                .find(|variable| {
                    let name = variable.name.to_ascii_uppercase();
                    let end = name.strip_prefix(begin);
                    end.is_some_and(|end| ends.contains(&end)) && !variable.value.is_empty()
                })
                .map(|variable| variable.value.clone())
        };
        if connection.role.is_none() {
            connection.role = beside(&["USERNAME", "USER"]);
        }
        if connection.password.is_none() {
            connection.password = beside(&["PASSWORD", "PASS"]);
        }
    }
}
