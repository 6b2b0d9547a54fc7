//! What the init scripts of a database container name of other services: their SQL is read as a migration's is.

use std::collections::BTreeMap;

use super::Around;
use crate::compose::{Deployment, Script, Text};
use crate::manifest::DEFAULT_PORT;
use crate::migration::effects::{Access, Act, Class, Effect, Path, Scope, UNKNOWN, effects};
use crate::migration::tokens::{Kind, meaningful};
use crate::rules::sets::{Family, Owners, Service, family};
use crate::rules::{Subject, System};

/// By container and script: what it names.
pub(in crate::rules) type ForeignNames = BTreeMap<(usize, String), Named>;

/// What a script names.
#[derive(Debug, Clone, Default)]
pub(in crate::rules) struct Named {
    /// Names of other services' objects, each with its service.
    pub(super) named: Vec<(String, String)>,
    /// What of it could not be followed.
    pub(super) unread: Vec<String>,
}

/// What the init scripts of a service's containers name.
pub(in crate::rules) fn foreign_names(
    owners: &Owners<'_>,
    system: &System<'_>,
    subject: &Subject<'_>,
    around: &Around<'_>,
) -> ForeignNames {
    let mut found = ForeignNames::new();
    let position = around.position(&subject.service.name);
    let (Some(deployment), Some(position)) = (&system.compose, position) else {
        return found;
    };
    let Some((index, own)) = owners.find(&subject.service.name) else {
        return found;
    };
    let mut databases = Vec::new();
    for other in &system.subjects {
        let name = other.service.name.as_str();
        if let Some(at) = around.position(name).filter(|at| *at != position) {
            databases.extend(deployment.databases(at).map(|(index, _)| (index, name)));
        }
    }
    for (container, _) in deployment.databases(position) {
        let scripts = deployment.project.scripts.iter();
        for script in scripts
            .filter(|scripts| scripts.container == container)
            .flat_map(|scripts| &scripts.files)
        {
            let mut reader = Reader {
                owners,
                index,
                own,
                deployment,
                container,
                databases: &databases,
                named: Named::default(),
            };
            reader.script(script);
            found.insert((container, script.shown.clone()), reader.named);
        }
    }
    found
}

struct Reader<'r, 'a> {
    owners: &'r Owners<'a>,
    index: usize,
    own: &'r Service<'a>,
    deployment: &'r Deployment,
    /// The one that the script is for.
    container: usize,
    /// The database containers of other services.
    databases: &'r [(usize, &'a str)],
    named: Named,
}

impl Reader<'_, '_> {
    fn script(&mut self, script: &Script) {
        for word in &script.words {
            self.word(word.raw());
        }
        for table in &script.tables {
            let name = table.raw().rsplit('.').next().unwrap_or_default();
            self.object(Family::Relation, name);
        }
        for sql in &script.sql {
            self.sql(&marked(sql), script.is_sql);
        }
    }

    /// SQL; where it may be any text (`is_sql` false), what cannot be read is no gap.
    fn sql(&mut self, sql: &str, is_sql: bool) {
        let told = effects(sql);
        let mut runs_texts = false;
        for effect in &told.effects {
            self.effect(effect, is_sql || is_statement(sql));
            runs_texts |=
                matches!(&effect.act, Act::Psql { command, .. } if command.starts_with("\\gexec"));
        }
        // A text may name a database (`datname = '…'`, an option of a link), or be a statement for \gexec.
        for token in meaningful(sql).filter(|token| token.kind == Kind::Text) {
            let text = token.text.trim_matches('\'');
            if text.starts_with('$') {
                // The body of a function or of DO.
                let body = text.split_once('$').map_or("", |(_, rest)| rest);
                let body = body.split_once('$').map_or("", |(_, rest)| rest);
                for inner in meaningful(body).filter(|inner| inner.kind == Kind::Text) {
                    self.word(inner.text.trim_matches('\''));
                }
            }
            self.word(text);
            if runs_texts && is_statement(text) {
                for effect in effects(text).effects {
                    self.effect(&effect, true);
                }
            }
        }
    }

    fn effect(&mut self, effect: &Effect, counts: bool) {
        let line = effect.place.line;
        match &effect.act {
            Act::Names {
                class,
                access,
                path,
                temporary: false,
            } if *access != Access::Revoke => self.path(*class, path, line),
            Act::Database { name, .. } => self.known(line, name, Self::database),
            Act::Role { role, .. } => self.known(line, role, Self::role),
            Act::Owned { by } => self.role(by),
            Act::Grants { to, .. } => self.role(to),
            Act::Joins { role, member } => {
                self.role(role);
                self.role(member);
            }
            Act::Sets { value, scope, .. } => {
                match scope {
                    Scope::Database(name) => self.database(name),
                    Scope::Role(name) => self.role(name),
                    _ => {}
                }
                for schema in value {
                    self.schema(schema);
                }
            }
            Act::Psql { command, target } if matches!(command.as_str(), "\\c" | "\\connect") => {
                let name = target.rsplit('/').next().unwrap_or_default();
                self.known(
                    line,
                    name.split(" at ").next().unwrap_or_default(),
                    Self::database,
                );
            }
            Act::Dynamic { why } if counts => self.gap(line, why),
            Act::Unread { why, .. } if counts => {
                self.gap(line, &format!("its syntax is not known: {why}"));
            }
            _ => {}
        }
    }

    fn path(&mut self, class: Class, path: &Path, line: usize) {
        if let Some(database) = &path.database {
            self.database(database);
        }
        if let Some(schema) = &path.schema {
            self.schema(schema);
        }
        self.known(line, &path.name, |reader, name| {
            match (class, family(class)) {
                (Class::Database, _) => reader.database(name),
                (Class::Schema, _) => reader.schema(name),
                (_, Some(family)) => reader.object(family, name),
                _ => {}
            }
        });
    }

    /// Asks about a name; one that only running the script would tell is a gap.
    fn known(&mut self, line: usize, name: &str, ask: impl Fn(&mut Self, &str)) {
        if name.contains(UNKNOWN) {
            self.gap(
                line,
                "a name in it is put together, and only running it tells",
            );
        } else {
            ask(self, name);
        }
    }

    fn gap(&mut self, line: usize, why: &str) {
        let gap = format!("line {line}: {why}");
        if !self.named.unread.contains(&gap) {
            self.named.unread.push(gap);
        }
    }

    /// A word that may be a database or a role, or lead to one: a URL, `key=value`.
    fn word(&mut self, word: &str) {
        let mut parts = vec![word];
        if let Some((_, rest)) = word.split_once("://") {
            let (role, place) = rest.rsplit_once('@').unwrap_or(("", rest));
            parts.extend(role.split(':').next());
            let database = place.split_once('/').map_or("", |(_, database)| database);
            parts.extend(database.split('?').next());
            self.host(place);
        } else {
            let pairs: Vec<(&str, &str)> = word
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .collect();
            for (key, host) in &pairs {
                if ["host", "hostaddr"].contains(key) {
                    self.host(host);
                }
            }
            parts.extend(
                pairs
                    .into_iter()
                    .filter(|(key, _)| ["dbname", "user"].contains(key))
                    .map(|(_, value)| value),
            );
        }
        for part in parts {
            self.database(part);
            self.role(part);
        }
    }

    /// Hosts with their ports, up to the end of the text or a `/`: one may be another service's container.
    fn host(&mut self, text: &str) {
        let hosts = text.split(['/', '?']).next().unwrap_or_default();
        for host in hosts.split(',') {
            let (host, port) = host.split_once(':').unwrap_or((host, ""));
            let host = host.trim_matches('\'');
            let port = port.parse().unwrap_or(DEFAULT_PORT);
            let reached = self.deployment.reached(self.container, host, port);
            let other = self
                .databases
                .iter()
                .find(|(index, _)| reached.contains(index));
            if let Some((_, owner)) = other {
                self.name(host, Some(owner));
            }
        }
    }

    fn database(&mut self, name: &str) {
        if !name.is_empty() && self.own.database() != name {
            let owner = self.owners.database_of(self.index, name).map(Service::name);
            self.name(name, owner);
        }
    }

    fn role(&mut self, name: &str) {
        if self.own.role() != Some(name) {
            let owner = self.owners.role_of(self.index, name).map(Service::name);
            self.name(name, owner);
        }
    }

    fn schema(&mut self, name: &str) {
        let owner = self.owners.schema_of(self.index, name).map(Service::name);
        self.name(name, owner);
    }

    fn object(&mut self, family: Family, name: &str) {
        if self.own.has(family, name) {
            return;
        }
        let holder = self.owners.holder(self.index, family, name);
        let implied = || match family {
            Family::Relation => self.owners.implied(self.index, name),
            Family::Function => None,
        };
        let owner = holder.or_else(implied).map(|(service, _)| service.name());
        self.name(name, owner);
    }

    fn name(&mut self, name: &str, owner: Option<&str>) {
        let Some(owner) = owner else { return };
        let found = (name.to_owned(), owner.to_owned());
        if !self.named.named.contains(&found) {
            self.named.named.push(found);
        }
    }
}

/// The text with the mark of what is not known in place of every unknown variable.
fn marked(sql: &Text) -> String {
    sql.filled(UNKNOWN)
}

/// Whether a text begins as a statement does.
fn is_statement(text: &str) -> bool {
    const BEGINS: [&str; 14] = [
        "alter", "begin", "call", "comment", "copy", "create", "delete", "do", "drop", "grant",
        "insert", "select", "truncate", "update",
    ];
    let first = meaningful(text)
        .next()
        .map(|token| token.text.to_ascii_lowercase());
    first.is_some_and(|first| BEGINS.contains(&first.as_str()))
}
