//! The statements that make an object again what the schema lock says of it, where that puts no row at risk.

mod column;
mod constraint;
mod create;
mod identity;
mod one_line;
mod options;
mod part;
mod relation;
mod routine;
mod types;

pub(super) use create::create;
pub(super) use part::stored;

use crate::rules::Case;
use crate::rules::text::{sql_ident, sql_name};
use crate::snapshot::attributes::{
    ENABLED, EVENT, FUNCTION, IN_SCHEMA, INTEGER_NOW, TAGS, is_deparsed,
};
use crate::snapshot::{Change, Kind, Lock, ObjectKey, Text};
use one_line::{one_line, quoted};

/// Statements in the order in which they run, or why there are none: a sentence for whoever does it by hand, or nothing.
pub(super) type Sql = Result<Vec<String>, &'static str>;

/// What a remedy says before the statements that undo a change.
pub(super) const UNDO: &str = "otherwise undo it: ";

/// What a remedy says before the statements that make something again.
pub(super) const AGAIN: &str = "then create it again: ";

/// The statements that a remedy of these ends in.
pub(in crate::rules) fn sql_of(remedy: &str) -> Option<&str> {
    let after = |words: &str| remedy.split_once(words).map(|(_, sql)| sql);
    after(UNDO).or_else(|| after(AGAIN))
}

/// Without a word: the file of the set says all that is to be known.
const BY_HAND: &str = "";

/// What the lock says of objects, on one server.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    lock: &'a Lock,
    major: u32,
    /// The role that the service's own objects belong to.
    owner: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn new(case: &Case<'a>) -> Option<Self> {
        Some(Self {
            lock: case.lock().ok()?,
            major: case.snapshot().ok()?.server.major(),
            owner: case.subject.service.role_name(),
        })
    }

    /// An attribute's text for this server, empty where the lock says nothing.
    ///
    /// # Errors
    /// When the lock has it for other major versions only.
    fn text(&self, key: &ObjectKey, name: &str) -> Result<&'a str, &'static str> {
        match self.lock.objects.get(key).and_then(|all| all.get(name)) {
            None => Ok(""),
            Some(Text::Same(text))
                if !is_deparsed(key.kind, name) || self.lock.majors.contains(&self.major) =>
            {
                Ok(text)
            }
            Some(Text::Same(_)) => Err(BY_HAND),
            Some(Text::ByMajor(texts)) => texts.get(&self.major).map(String::as_str).ok_or(BY_HAND),
        }
    }

    /// The parts of a relation, in the lock's order.
    fn parts(&self, of: &ObjectKey) -> impl Iterator<Item = &'a ObjectKey> {
        let (schema, name) = (of.schema.clone(), of.name.clone());
        self.lock
            .objects
            .keys()
            .filter(move |key| key.kind.is_part() && key.schema == schema && key.parent == name)
    }

    /// The kind of the relation that something is a part of.
    fn whole(&self, part: &ObjectKey) -> Option<Kind> {
        let mut relations = self
            .lock
            .objects
            .keys()
            .filter(|key| key.kind.is_relation());
        let found = relations.find(|key| (&key.schema, &key.name) == (&part.schema, &part.parent));
        found.map(|key| key.kind)
    }
}

/// The statements that undo these changes of one object.
pub(super) fn undo(case: &Case<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    let wanted = Wanted::new(case).ok_or(BY_HAND)?;
    harmless(match key.kind {
        Kind::Column => column::undo(&wanted, key, changes),
        Kind::Constraint => constraint::undo(&wanted, key, changes),
        Kind::Index => part::index(case, &wanted, key, changes),
        Kind::Trigger | Kind::Rule | Kind::Policy => part::undo(&wanted, key, changes),
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Sequence => {
            relation::undo(&wanted, key, changes)
        }
        Kind::Function => routine::undo(&wanted, key, changes),
        Kind::Type => types::undo(key, changes),
        Kind::Statistics => Ok(again(
            format!("DROP STATISTICS {};", sql_name(key)),
            create::statements(&wanted, key)?,
        )),
        Kind::EventTrigger => event_trigger(&wanted, key, changes),
        Kind::Hypertable => hypertable(key, changes),
        Kind::Extension => extension(&wanted, key),
        _ => Err(BY_HAND),
    })
}

/// What replaces one thing by another, so that nothing is left away when the second statement fails.
fn again(drop: String, create: Vec<String>) -> Vec<String> {
    let mut sql = vec![drop];
    sql.extend(create);
    together(sql)
}

/// All of it or nothing.
fn together(mut sql: Vec<String>) -> Vec<String> {
    sql.insert(0, "BEGIN;".to_owned());
    sql.push("COMMIT;".to_owned());
    sql
}

/// Statements that hold what looks like a password are kept out of every report.
fn harmless(sql: Sql) -> Sql {
    let sql = sql?;
    let is_secret = |text: &str| {
        let text = text.to_lowercase();
        let given = |word: &str| {
            text.match_indices(word).any(|(at, _)| {
                let rest = text.get(at + word.len()..).unwrap_or_default();
                rest.trim_start().starts_with(['=', '\'', '"'])
            })
        };
        text.contains("://") && text.contains('@') || given("password") || given("passwd")
    };
    match sql.iter().any(|text| is_secret(text)) {
        true => Err(BY_HAND),
        false => Ok(sql),
    }
}

/// The attributes that changed.
fn names<'c>(changes: &[&'c Change]) -> Vec<&'c str> {
    changes
        .iter()
        .map(|change| change.attribute.as_str())
        .collect()
}

/// The relation that something is a part of.
fn table_of(part: &ObjectKey) -> String {
    format!("{}.{}", sql_ident(&part.schema), sql_ident(&part.parent))
}

fn event_trigger(wanted: &Wanted<'_>, key: &ObjectKey, changes: &[&Change]) -> Sql {
    let names = names(changes);
    let drop = format!("DROP EVENT TRIGGER {};", sql_ident(&key.name));
    if [EVENT, FUNCTION, TAGS]
        .iter()
        .any(|name| names.contains(name))
    {
        return Ok(again(drop, create::statements(wanted, key)?));
    }
    Ok(vec![enabled_event(key, wanted.text(key, ENABLED)?)])
}

fn enabled_event(key: &ObjectKey, enabled: &str) -> String {
    let how = match enabled {
        "disabled" => "DISABLE",
        "replica" => "ENABLE REPLICA",
        "always" => "ENABLE ALWAYS",
        _ => "ENABLE",
    };
    format!("ALTER EVENT TRIGGER {} {how};", sql_ident(&key.name))
}

/// What has no rule of its own and can be set again.
fn hypertable(key: &ObjectKey, changes: &[&Change]) -> Sql {
    let [change] = changes else {
        return Err(BY_HAND);
    };
    match (change.attribute.as_str(), change.expected.is_empty()) {
        (INTEGER_NOW, false) => Ok(vec![format!(
            "SELECT set_integer_now_func({}, {}, replace_if_exists => true);",
            quoted(&table_of(key)),
            quoted(&change.expected)
        )]),
        _ => Err(BY_HAND),
    }
}

fn extension(wanted: &Wanted<'_>, key: &ObjectKey) -> Sql {
    let schema = match wanted.text(key, IN_SCHEMA)? {
        "" => "public",
        schema => schema,
    };
    Ok(vec![format!(
        "ALTER EXTENSION {} SET SCHEMA {};",
        sql_ident(&key.name),
        sql_ident(schema)
    )])
}

/// A definition as the server gave it, for SQL on one line.
fn definition(text: &str) -> String {
    one_line(text.trim().trim_end_matches(';'))
}
