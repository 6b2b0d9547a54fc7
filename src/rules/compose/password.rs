//! Published passwords. No message holds one.

use super::server::{USER, first};
use super::{Scene, Words, finding, of};
use crate::compose::{Connection, Container, Party, Place, Text};
use crate::manifest::Service;
use crate::rules::{Case, Outcome, Rule, Scope, Severity, Verdict};

/// A password that everybody knows.
pub(super) const DEFAULT_PASSWORD: Rule = Rule {
    id: "compose/default-password",
    severity: Severity::Error,
    summary: "Does every database have a password that is not published or guessed?",
    help: include_str!("../help/compose-default-password.md"),
    scope: Scope::Container,
    check: default_password,
};

/// What is tried first by those who try, without case, signs and the digits at its end: `CHANGE_ME123` is `changeme`.
const GUESSED: [&str; 34] = [
    "admin",
    "administrator",
    "changeit",
    "changeme",
    "changemeplease",
    "changethis",
    "database",
    "db",
    "dbpassword",
    "default",
    "dev",
    "example",
    "letmein",
    "mypassword",
    "mysecretpassword",
    "pass",
    "passwd",
    "password",
    "pgpassword",
    "postgres",
    "postgrespassword",
    "postgresql",
    "qwerty",
    "replaceme",
    "root",
    "secret",
    "secretpassword",
    "supersecret",
    "test",
    "timescale",
    "timescaledb",
    "todo",
    "user",
    "yourpassword",
];
/// The longest row of digits that is tried.
const DIGITS: usize = 10;
/// The longest row of digits that is tried behind a word: a year, `123456`.
const DIGITS_BEHIND: usize = 6;

/// What is left of a password when nothing in it makes it hard: `P4ssw0rd` is not undone, for that has no end.
fn plain(password: &str) -> String {
    let lower = password.to_lowercase();
    let kept: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let word = kept.trim_end_matches(|c: char| c.is_ascii_digit());
    let behind = kept.len().saturating_sub(word.len());
    match word.is_empty() || behind <= DIGITS_BEHIND {
        true => word.to_owned(),
        false => kept,
    }
}

/// Whether a password is a word that is tried first, or one of these names.
fn is_guessed(password: &str, names: &[&str]) -> bool {
    let word = plain(password);
    if word.is_empty() {
        let digits = password.chars().filter(char::is_ascii_digit).count();
        return digits > 0 && digits <= DIGITS;
    }
    GUESSED.contains(&word.as_str()) || names.iter().any(|name| plain(name) == word)
}

/// A password as a compose file gives it.
pub(super) struct Given<'a> {
    pub(super) container: &'a Container,
    pub(super) text: Text,
    /// The variable, or where else it is written.
    pub(super) from: String,
    pub(super) place: &'a Place,
    /// Whether it is given to a build, and so stays in an image.
    in_image: bool,
}

/// The passwords of a service, those of its servers first.
pub(super) fn given<'a>(scene: &Scene<'a>, owner: usize) -> Vec<Given<'a>> {
    let deployment = scene.deployment;
    let mut found = Vec::new();
    for (_, container) in deployment.databases(owner) {
        if let Some(variable) = first(container, &["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"]) {
            found.push(Given {
                container,
                text: variable.value.clone(),
                from: variable.name.clone(),
                place: &variable.place,
                in_image: false,
            });
        }
    }
    for (_, container, party) in deployment.clients(owner) {
        for connection in &party.connections {
            let password = connection.password.as_ref();
            if let Some(password) = password.filter(|_| !is_foreign(scene, owner, connection)) {
                found.push(Given {
                    container,
                    text: password.clone(),
                    from: connection.from.clone(),
                    place: &connection.place,
                    in_image: false,
                });
            }
        }
    }
    for (_, container, party) in deployment.of(owner) {
        found.extend(in_calls(scene, owner, container, party));
        found.extend(in_build(container, party));
    }
    found.retain(|given| !given.text.is_empty());
    found
}

/// Whether a connection logs in as another service's role: then it has that one fault.
fn is_foreign(scene: &Scene<'_>, owner: usize, connection: &Connection) -> bool {
    let role = connection.role.as_ref().and_then(Text::get);
    role.is_some_and(|role| scene.has_role(role, owner))
}

/// The passwords of what is called beside: by PostgreSQL's programs in the command, by the healthcheck and the hooks. One of a hook's
/// variables may stand alone, for libpq to find.
fn in_calls<'a>(
    scene: &Scene<'a>,
    owner: usize,
    container: &'a Container,
    party: &'a Party,
) -> Vec<Given<'a>> {
    let given = |text: &Text, from: String, place: &'a Place| Given {
        container,
        text: text.clone(),
        from,
        place,
        in_image: false,
    };
    let mut found = Vec::new();
    let calls = || {
        let all = party.calls.iter();
        all.filter(|call| !call.from.starts_with("build.args "))
    };
    for call in calls().filter(|call| !is_foreign(scene, owner, call)) {
        let password = call.password.as_ref();
        found.extend(password.map(|text| given(text, call.from.clone(), &call.place)));
    }
    for hook in &container.hooks {
        let mut own = calls().filter(|call| call.from.ends_with(hook.from));
        if own.any(|call| is_foreign(scene, owner, call)) {
            continue;
        }
        found.extend(hook.passwords().map(|variable| {
            let from = format!("{} of {}", variable.name, hook.from);
            given(&variable.value, from, &variable.place)
        }));
    }
    found
}

/// The passwords that a build is given: alone, or within a URL.
fn in_build<'a>(container: &'a Container, party: &'a Party) -> Vec<Given<'a>> {
    const NAMES: [&str; 4] = ["PASSWORD", "PASSWD", "PGPASS", "_PASS"];
    let given = |text: &Text, from: String, place: &'a Place| Given {
        container,
        text: text.clone(),
        from,
        place,
        in_image: true,
    };
    let named = container.build_arguments.iter().filter_map(|argument| {
        let name = argument.name.to_ascii_uppercase();
        let is_one = NAMES.iter().any(|known| name.ends_with(known));
        let from = format!("build.args {}", argument.name);
        is_one.then(|| given(&argument.value, from, &argument.place))
    });
    let in_urls = party.calls.iter().filter_map(|call| {
        let password = call.password.as_ref()?;
        let is_of_build = call.from.starts_with("build.args ");
        is_of_build.then(|| given(password, call.from.clone(), &call.place))
    });
    named.chain(in_urls).collect()
}

fn default_password(case: &Case<'_>) -> Verdict {
    let Some(scene) = Scene::of(case).filter(Scene::is_sql) else {
        return Ok(Outcome::default());
    };
    let mut findings = Vec::new();
    let mut seen: Vec<(String, bool)> = Vec::new();
    for given in given(&scene, scene.own) {
        // One password is one cause, however often it is written.
        let cause = (given.text.raw().to_owned(), given.in_image);
        if seen.contains(&cause) {
            continue;
        }
        seen.push(cause);
        let Some((what, severity)) = weakness(&scene, &given) else {
            continue;
        };
        let name = &given.container.name;
        findings.push(
            finding(
                &DEFAULT_PASSWORD,
                given.container,
                given.place,
                Words {
                    message: format!("{} has {what} ({})", of(given.container, &scene.service.name), given.from),
                    expected: "a password of its own, set outside the file".to_owned(),
                    actual: what,
                    remedy: if given.in_image {
                        format!("Take it out of build.args of {name} and give it to the build as a secret (build.secrets); change the role's password, for images that were built have it.")
                    } else { format!(
                        "Write ${{NAME:?}} for the password of {name}, set a random one in the environment, and in psql: \\password. A volume that has been used keeps the old one."
                    ) },
                },
            )
            .severity(severity),
        );
    }
    Ok(findings.into())
}

/// What is wrong with a password, without the password. What stays in an image is read by everybody who has the image (Docker
/// documentation, "Build secrets").
fn weakness(scene: &Scene<'_>, given: &Given<'_>) -> Option<(String, Severity)> {
    let kept = || {
        let what = "a password that its image keeps: `docker history` shows what a build was given";
        (what.to_owned(), Severity::Warning)
    };
    known(scene, given).or_else(|| given.in_image.then(kept))
}

/// Whether it is guessed or published, without the password.
fn known(scene: &Scene<'_>, given: &Given<'_>) -> Option<(String, Severity)> {
    let password = given.text.get()?;
    let variables: Vec<&str> = given.text.defaulted.keys().map(String::as_str).collect();
    let list = variables.join(", ");
    let service = scene.service;
    let names = [
        service.name.as_str(),
        service.database_name(),
        service.role_name().unwrap_or_default(),
        given.container.name.as_str(),
        first(given.container, &USER)
            .and_then(|user| user.value.get())
            .unwrap_or_default(),
    ];
    let guessed = is_guessed(password, &names);
    if guessed && variables.is_empty() {
        return Some((
            "a password that is easily guessed".to_owned(),
            Severity::Error,
        ));
    }
    if guessed {
        return Some((
            format!("an easily guessed password as the default of {list}"),
            Severity::Error,
        ));
    }
    // The default that the manifest publishes is a warning, as it is for access/default-password.
    let is_published = |name: &str| {
        service
            .variables
            .iter()
            .any(|(key, names)| *key == "password" && names.iter().any(|known| known == name))
    };
    if !variables.is_empty() {
        let severity = if variables.iter().all(|name| is_published(name)) {
            Severity::Warning
        } else {
            Severity::Error
        };
        return Some((
            format!("a published password: the default of {list}, which is not set here"),
            severity,
        ));
    }
    is_manifests(service, password).then(|| {
        (
            "the password that is published with the manifest".to_owned(),
            Severity::Warning,
        )
    })
}

fn is_manifests(service: &Service, password: &str) -> bool {
    let own = service
        .endpoint()
        .and_then(|endpoint| endpoint.password.as_ref());
    service.default_password && own.is_some_and(|own| own.expose() == password)
}

#[cfg(test)]
mod tests {
    use super::is_guessed;

    #[test]
    fn what_is_tried_first_is_known_in_every_dress() {
        let names = ["k_social_user", ""];
        for word in [
            "postgres",
            "Password",
            "changeme",
            "CHANGE_ME",
            "CHANGEME123",
            "change-me!",
            "<changeme>",
            "example",
            "123456",
            "k_social_user",
            "K_Social_User1",
            "mysecretpassword",
            "your-password",
        ] {
            assert!(is_guessed(word, &names), "{word}");
        }
        for word in [
            "",
            "k_social_secure_pass",
            "postgres-of-nobody",
            "83749201748392017",
            "uZ7-x2",
        ] {
            assert!(!is_guessed(word, &names), "{word}");
        }
    }
}
