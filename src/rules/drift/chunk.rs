//! Single chunks against their hypertable: TimescaleDB lets DDL reach one chunk alone, where no look at the hypertable shows it.

use super::settled;
use crate::report::text::count;
use crate::rules::text::{ident, sql_ident};
use crate::rules::{About, Case, Finding, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::attributes::{CHUNK_INTERVAL, DEFINITION};
use crate::snapshot::{Deviation, Diff, Kind, ObjectKey, Text, interval};

pub(in crate::rules) const CHUNK: Rule = Rule {
    id: "drift/chunk",
    severity: Severity::Error,
    summary: "Is every chunk as its hypertable?",
    help: include_str!("../help/drift-chunk.md"),
    scope: Scope::Database,
    check: chunk,
};

fn chunk(case: &Case<'_>) -> Verdict {
    let findings = own(case)?
        .into_iter()
        .filter(|deviation| deviation.kind != "length" && !is_said_elsewhere(case, deviation))
        .map(|deviation| finding(case, deviation))
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// The deviations of the hypertables that the set makes. Those of others go with their table, which has a finding of its own.
fn own<'a>(case: &Case<'a>) -> Result<Vec<&'a Deviation>, crate::snapshot::Gap> {
    if settled(case)?.is_none() {
        return Ok(Vec::new());
    }
    let lock = case.lock()?;
    let chunks = &case.snapshot()?.state.chunks;
    Ok(chunks
        .iter()
        .filter(|deviation| {
            lock.objects
                .contains_key(&key(deviation, Kind::Hypertable, &deviation.hypertable))
        })
        .collect())
}

/// A part of the hypertable.
fn key(deviation: &Deviation, kind: Kind, name: &str) -> ObjectKey {
    ObjectKey {
        schema: deviation.schema.clone(),
        parent: deviation.hypertable.clone(),
        kind,
        name: name.to_owned(),
        arguments: String::new(),
    }
}

/// A child table is an object of its own; row security goes with its policies; a chunk elsewhere may have other parents.
fn is_said_elsewhere(case: &Case<'_>, deviation: &Deviation) -> bool {
    match deviation.kind.as_str() {
        "child" => case.survey.extras.iter().any(|(object, _)| {
            format!(
                "{}.{}",
                sql_ident(&object.key.schema),
                sql_ident(&object.key.name)
            ) == deviation.name
        }),
        "row_security" => case.snapshot().is_ok_and(|snapshot| {
            snapshot.state.chunks.iter().any(|other| {
                other.kind == "policy"
                    && other.schema == deviation.schema
                    && other.hypertable == deviation.hypertable
            })
        }),
        _ => false,
    }
}

fn finding(case: &Case<'_>, deviation: &Deviation) -> Finding {
    let at = Place::of(deviation);
    let (what, expected, remedy) = said(case, deviation, &at);
    let others = deviation.chunks.saturating_sub(1);
    let more = match usize::try_from(others) {
        Ok(others @ 1..) => format!(
            ", and so {} {}",
            if others == 1 { "is" } else { "are" },
            count(others, "other chunk")
        ),
        _ => String::new(),
    };
    let repeat = if others > 0 {
        " Repeat it for each of the chunks."
    } else {
        ""
    };
    let owner = foreign_owner(case, deviation);
    let whose = owner.map_or_else(String::new, |owner| {
        format!("; in {} it is a name of its own", owner.service.name)
    });
    let mut finding = CHUNK
        .finding(
            if deviation.chunks == 0 {
                About::key(&key(deviation, Kind::Hypertable, &deviation.hypertable))
            } else {
                About {
                    kind: "chunk",
                    schema: Some(deviation.chunk_schema.clone()),
                    name: deviation.chunk.clone(),
                }
            },
            format!(
                "{} in database {} of {} {what}{more}{whose}",
                at.words,
                ident(case.subject.service.database_name()),
                case.name()
            ),
        )
        .severity(if deviation.state == "spare" {
            Severity::Info
        } else {
            CHUNK.severity
        })
        .saw(expected, what)
        .remedy(format!("{remedy}{repeat}"));
    finding.belongs_to = owner.map(|owner| owner.service.name.clone());
    finding
}

/// The chunk, in words and for SQL.
struct Place {
    words: String,
    chunk: String,
    schema: String,
    table: String,
}

impl Place {
    fn of(deviation: &Deviation) -> Self {
        let path = |quote: fn(&str) -> String, schema: &str, name: &str| {
            format!("{}.{}", quote(schema), quote(name))
        };
        let table = path(ident, &deviation.schema, &deviation.hypertable);
        Self {
            words: match deviation.chunks {
                0 => format!("hypertable {table}"),
                _ => format!(
                    "chunk {} of hypertable {table}",
                    path(ident, &deviation.chunk_schema, &deviation.chunk)
                ),
            },
            chunk: path(sql_ident, &deviation.chunk_schema, &deviation.chunk),
            schema: sql_ident(&deviation.chunk_schema),
            table: path(sql_ident, &deviation.schema, &deviation.hypertable),
        }
    }
}

/// What is so, what should be, and what mends it.
fn said(case: &Case<'_>, deviation: &Deviation, at: &Place) -> (String, String, String) {
    let Place {
        chunk,
        schema,
        table,
        ..
    } = at;
    let (name, sql) = (ident(&deviation.name), sql_ident(&deviation.name));
    let detail = deviation.detail.as_deref().unwrap_or_default();
    let own = |kind| {
        case.lock().is_ok_and(|lock| {
            lock.objects
                .contains_key(&key(deviation, kind, &deviation.name))
        })
    };
    let (what, expected, remedy) = match (deviation.kind.as_str(), deviation.state.as_str()) {
        ("index", "missing") => (
            format!("lacks index {name}"),
            format!("index {name} on every chunk"),
            again(case, deviation, &sql),
        ),
        ("index", "invalid") => (
            format!("has index {name}, which is invalid"),
            "valid indexes".to_owned(),
            format!("REINDEX INDEX {schema}.{sql};"),
        ),
        ("index", state) => (
            format!(
                "has {}index {name}, which its hypertable has not",
                if state == "extra" { "unique " } else { "" }
            ),
            "the indexes of the hypertable".to_owned(),
            match detail {
                "" => format!("DROP INDEX {schema}.{sql};"),
                _ => format!("ALTER TABLE {chunk} DROP CONSTRAINT {sql};"),
            },
        ),
        ("trigger", "missing") => (
            format!("lacks trigger {name}"),
            format!("trigger {name} on every chunk"),
            format!("Drop trigger {name} on the hypertable and create it again as the set does: TimescaleDB repeats it on every chunk."),
        ),
        ("trigger", "differs") => (
            format!("has trigger {name} with another condition, other columns or another time than its hypertable"),
            "the trigger as on the hypertable".to_owned(),
            format!("DROP TRIGGER {sql} ON {chunk}; {detail};"),
        ),
        ("trigger", _) if own(Kind::Trigger) => (
            format!("has trigger {name} in another state than its hypertable"),
            "the trigger as on the hypertable".to_owned(),
            format!("ALTER TABLE {chunk} ENABLE TRIGGER {sql};"),
        ),
        ("trigger", _) => (
            format!("has trigger {name}, which its hypertable has not; it runs function {}", ident(detail)),
            "the triggers of the hypertable".to_owned(),
            format!("DROP TRIGGER {sql} ON {chunk};"),
        ),
        ("rule", _) => (
            format!("has rule {name}"),
            "no rule on a chunk".to_owned(),
            format!("DROP RULE {sql} ON {chunk};"),
        ),
        ("policy", _) => (
            format!("has row security policy {name}"),
            "no policy on a chunk".to_owned(),
            format!("DROP POLICY {sql} ON {chunk}; ALTER TABLE {chunk} DISABLE ROW LEVEL SECURITY;"),
        ),
        ("row_security", _) => (
            "has row security enabled, its hypertable has not".to_owned(),
            "row security as on the hypertable".to_owned(),
            format!("ALTER TABLE {chunk} DISABLE ROW LEVEL SECURITY;"),
        ),
        ("persistence", _) => (
            format!("is {name}, its hypertable is not: an unlogged chunk is empty after a crash"),
            "persistence as on the hypertable".to_owned(),
            "Find out how it came about: TimescaleDB refuses SET LOGGED and SET UNLOGGED on a chunk. Copy its rows out, drop it with \
             drop_chunks, and insert them again."
                .to_owned(),
        ),
        ("name", _) => (
            format!("was moved or renamed; TimescaleDB made it as {detail}"),
            detail.to_owned(),
            home(deviation, chunk, detail),
        ),
        ("child", _) => (
            format!("has child table {}, whose rows appear as rows of the hypertable", deviation.name),
            "no child of a chunk".to_owned(),
            format!("ALTER TABLE {} NO INHERIT {chunk};", deviation.name),
        ),
        ("parent", "missing") => (
            "does not inherit from its hypertable: its rows are not seen there".to_owned(),
            "a chunk that inherits from its hypertable".to_owned(),
            format!("ALTER TABLE {chunk} INHERIT {table};"),
        ),
        ("parent", _) => (
            format!("inherits from {} as well: its rows appear there", deviation.name),
            "the hypertable as its only parent".to_owned(),
            format!("ALTER TABLE {chunk} NO INHERIT {};", deviation.name),
        ),
        ("constraint", "missing") => (
            format!("lacks constraint {name}"),
            format!("constraint {name} on every chunk"),
            "Find out who dropped it. A range is mended by moving the chunk's rows out, dropping the chunk and inserting them again; a \
             foreign key by dropping it on the hypertable and adding it as the set does."
                .to_owned(),
        ),
        ("constraint", _) => (
            format!("has constraint {name}, which its hypertable has not: {}", crate::report::text::short(detail, 100)),
            "the constraints of the hypertable".to_owned(),
            format!("ALTER TABLE {chunk} DROP CONSTRAINT {sql};"),
        ),
        ("tablespace", _) => (
            format!("lies in tablespace {name}, where its hypertable has nothing"),
            "the tablespaces of the hypertable".to_owned(),
            format!("ALTER TABLE {chunk} SET TABLESPACE pg_default; or where the hypertable lies."),
        ),
        ("index_tablespace", _) => (
            format!("has index {} in tablespace {name}, where its hypertable has nothing", ident(detail)),
            "the tablespaces of the hypertable".to_owned(),
            format!(
                "ALTER INDEX {schema}.{} SET TABLESPACE pg_default; or where the hypertable lies.",
                sql_ident(detail)
            ),
        ),
        (_, state) => (
            format!(
                "has its trigger {name} {state}: rows can be written past its chunks, where TimescaleDB does not see them"
            ),
            format!("trigger {name}, enabled"),
            format!(
                "SET timescaledb.restoring = on; CREATE OR REPLACE TRIGGER {sql} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION \
                 _timescaledb_functions.insert_blocker(); SET timescaledb.restoring = off; before that, look for rows in the hypertable \
                 itself (count(*) FROM ONLY {table})."
            ),
        ),
    };
    (what, expected, remedy)
}

/// How a chunk gets its place back.
fn home(deviation: &Deviation, chunk: &str, home: &str) -> String {
    let (schema, name) = home.split_once('.').unwrap_or(("", home));
    let mut sql = String::new();
    let mut now = chunk.to_owned();
    if sql_ident(&deviation.chunk_schema) != schema {
        sql = format!("ALTER TABLE {chunk} SET SCHEMA {schema}; ");
        now = format!("{schema}.{}", sql_ident(&deviation.chunk));
    }
    if sql_ident(&deviation.chunk) != name {
        sql.push_str(&format!("ALTER TABLE {now} RENAME TO {name};"));
    }
    sql.trim_end().to_owned()
}

/// The SQL that makes an index of the hypertable, and so of all chunks, again.
fn again(case: &Case<'_>, deviation: &Deviation, sql: &str) -> String {
    let definition = case.lock().ok().and_then(|lock| {
        let attributes = lock
            .objects
            .get(&key(deviation, Kind::Index, &deviation.name))?;
        match attributes.get(DEFINITION)? {
            Text::Same(text) => Some(text.clone()),
            Text::ByMajor(texts) => texts.values().next_back().cloned(),
        }
    });
    match definition {
        Some(definition) => format!(
            "DROP INDEX {}.{sql}; {definition}; it builds the index on every chunk.",
            sql_ident(&deviation.schema)
        ),
        None => "Drop its constraint on the hypertable and add it again as the set does: TimescaleDB repeats it on every chunk.".to_owned(),
    }
}

/// The other service that has a trigger, rule or function of this name, where this one has not.
fn foreign_owner<'a>(case: &Case<'a>, deviation: &Deviation) -> Option<&'a Subject<'a>> {
    if !matches!(
        deviation.kind.as_str(),
        "trigger" | "rule" | "policy" | "constraint"
    ) || deviation.state != "extra"
    {
        return None;
    }
    let knows = |subject: &Subject<'_>| {
        subject.lock.known().is_some_and(|lock| {
            lock.objects.keys().any(|key| match key.kind {
                Kind::Function => {
                    deviation.kind == "trigger" && Some(&key.name) == deviation.detail.as_ref()
                }
                Kind::Trigger | Kind::Rule | Kind::Policy | Kind::Constraint => {
                    key.kind.as_str() == deviation.kind && key.name == deviation.name
                }
                _ => false,
            })
        })
    };
    if knows(case.subject) {
        return None;
    }
    case.others().find(|other| knows(other))
}

pub(in crate::rules) const CHUNK_LENGTH: Rule = Rule {
    id: "drift/chunk-length",
    severity: Severity::Warning,
    summary: "Have the existing chunks the length that new ones get?",
    help: include_str!("../help/drift-chunk-length.md"),
    scope: Scope::Database,
    check: chunk_length,
};

fn chunk_length(case: &Case<'_>) -> Verdict {
    let deviations = own(case)?;
    let diff = case.diff()?;
    let findings = deviations
        .into_iter()
        .filter(|deviation| deviation.kind == "length" && !has_wrong_interval(diff, deviation))
        .map(|deviation| {
            let table = format!("{}.{}", ident(&deviation.schema), ident(&deviation.hypertable));
            let length = words(deviation);
            let chunks = usize::try_from(deviation.chunks).unwrap_or_default();
            CHUNK_LENGTH
                .finding(
                    About::key(&key(deviation, Kind::Hypertable, &deviation.hypertable)),
                    format!(
                        "hypertable {table} of {} in database {} has {} of {length}, {} than its chunk interval; the first is {}.{}",
                        case.name(),
                        ident(case.subject.service.database_name()),
                        count(chunks, "chunk"),
                        deviation.state,
                        ident(&deviation.chunk_schema),
                        ident(&deviation.chunk)
                    ),
                )
                .saw("chunks of the hypertable's interval", format!("{} of {length}", count(chunks, "chunk")))
                .remedy(
                    "set_chunk_time_interval() changed new chunks alone. Let the old ones age out, or copy their rows out, drop them and \
                     insert the rows again.",
                )
        })
        .collect::<Vec<_>>();
    Ok(findings.into())
}

/// Whether the interval itself is not the set's: then that is the cause, and chunks made before are right.
fn has_wrong_interval(diff: &Diff<'_>, deviation: &Deviation) -> bool {
    diff.changed.iter().any(|change| {
        change.key == key(deviation, Kind::Hypertable, &deviation.hypertable)
            && change.attribute == CHUNK_INTERVAL
    })
}

/// A length in words where it is a time.
fn words(deviation: &Deviation) -> String {
    let is_time = deviation
        .detail
        .as_deref()
        .is_some_and(|kind| kind == "date" || kind.starts_with("timestamp"));
    match deviation.name.parse() {
        Ok(microseconds) if is_time => interval::words(microseconds),
        _ => deviation.name.clone(),
    }
}
