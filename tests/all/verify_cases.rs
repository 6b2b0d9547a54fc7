//! How `verify` is tested on real databases: break one thing, see exactly one finding, mend it with the finding's own remedy.

use std::sync::LazyLock;

use serde_json::Value;

use crate::lab::{K, Lab, R, S, psql};

/// What ends a case.
#[derive(Debug, Clone, Copy)]
pub enum Mend {
    /// The SQL in the findings' remedies.
    Remedy,
    /// That SQL, and then this.
    RemedyThen(&'static str),
    /// SQL, where the remedy is no SQL.
    Sql(&'static str),
}

/// One way to break one database, and the one finding that must follow.
#[derive(Debug)]
pub struct Case {
    pub rule: &'static str,
    pub severity: &'static str,
    pub service: &'static str,
    /// SQL for the superuser in the service's database; `{ksocial}` and the like stand for the lab's own names.
    pub plant: &'static str,
    pub mend: Mend,
    /// Kind, schema (empty for none) and name.
    pub object: (&'static str, &'static str, &'static str),
    pub belongs_to: Option<&'static str>,
    /// What the message must name.
    pub says: &'static [&'static str],
    /// The rules of further findings, where one cause cannot be planted alone.
    pub also: &'static [&'static str],
}

/// A case of the simplest kind: the remedy mends it and nobody else is concerned.
pub const fn case(
    rule: &'static str,
    severity: &'static str,
    service: &'static str,
    object: (&'static str, &'static str, &'static str),
    plant: &'static str,
) -> Case {
    Case {
        rule,
        severity,
        service,
        plant,
        mend: Mend::Remedy,
        object,
        belongs_to: None,
        says: &[],
        also: &[],
    }
}

impl Case {
    pub const fn of(mut self, service: &'static str) -> Self {
        self.belongs_to = Some(service);
        self
    }

    pub const fn says(mut self, words: &'static [&'static str]) -> Self {
        self.says = words;
        self
    }

    pub const fn undo(mut self, sql: &'static str) -> Self {
        self.mend = Mend::Sql(sql);
        self
    }

    pub const fn then(mut self, sql: &'static str) -> Self {
        self.mend = Mend::RemedyThen(sql);
        self
    }

    pub const fn also(mut self, rules: &'static [&'static str]) -> Self {
        self.also = rules;
        self
    }
}

const NAMES: [&str; 6] = [
    "ksocial",
    "simply_kaspa",
    "rgb_lightning_node",
    "k_social_user",
    "simply_kaspa_user",
    "rgb_user",
];

/// `{ksocial}` becomes the lab's `ksocial_t12_3`.
pub fn fill(lab: &Lab, text: &str) -> String {
    let text = text.replace("{suffix}", &lab.suffix);
    NAMES.iter().fold(text, |text, name| {
        text.replace(&format!("{{{name}}}"), &lab.db(name))
    })
}

pub fn database_of(service: &str) -> &'static str {
    match service {
        K => "ksocial",
        S => "simply_kaspa",
        R => "rgb_lightning_node",
        other => panic!("{other} has no database"),
    }
}

/// A service whose set lies on disk and has one object of every kind, and one with hypertables that can be made again.
pub const ZOO: &str = "\
CREATE TYPE public.mood AS ENUM ('sad', 'happy');
CREATE TYPE public.pair AS (a integer, b text);
CREATE DOMAIN public.posint AS integer CONSTRAINT posint_check CHECK (VALUE > 0);
CREATE SEQUENCE public.ticket INCREMENT 5;
CREATE TABLE public.animals (
    id integer CONSTRAINT animals_pkey PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', mood public.mood, born date,
    legs smallint, CONSTRAINT animals_legs_check CHECK (legs >= 0), CONSTRAINT animals_name_key UNIQUE (name));
CREATE TABLE public.cages (id integer CONSTRAINT cages_pkey PRIMARY KEY, animal integer,
    CONSTRAINT cages_animal_fkey FOREIGN KEY (animal) REFERENCES public.animals (id));
CREATE INDEX animals_born_idx ON public.animals (born);
CREATE VIEW public.sad_animals AS SELECT id, name FROM public.animals WHERE mood = 'sad';
CREATE MATERIALIZED VIEW public.herd AS SELECT count(*) AS n FROM public.animals;
CREATE FUNCTION public.speak(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT word';
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER animals_touch BEFORE UPDATE ON public.animals FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE AGGREGATE public.largest(integer) (SFUNC = int4larger, STYPE = integer);
CREATE TABLE public.visits (id bigint, day date, body text DEFAULT 'none', CONSTRAINT visits_id_check CHECK (id > 0)) PARTITION BY RANGE (day);
CREATE TABLE public.visits_2026 PARTITION OF public.visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE public.beasts (weight integer);
CREATE TABLE public.tamed_beasts (tamer text) INHERITS (public.beasts);
";

pub const EVENTS: &str = "CREATE TABLE public.events (\"time\" timestamptz NOT NULL, seen timestamptz NOT NULL, source text NOT NULL, \
    CONSTRAINT events_pkey PRIMARY KEY (\"time\", seen, source))";

const CLOCK: &str = "\
SELECT create_hypertable('public.events', by_range('time', INTERVAL '1 hour'), create_default_indexes => false);
CREATE TABLE public.notes (\"time\" timestamptz NOT NULL, body text NOT NULL);
";

/// The locks of these two sets, written once by `dbctl lock`.
static LOCKS: LazyLock<[(&str, String); 2]> = LazyLock::new(|| {
    let lab = zoo_without_locks();
    // The version of the server that the labs share, lest its text be another.
    let bin = lab.bin().to_str().unwrap().to_owned();
    lab.run(&[
        "lock",
        "-q",
        "--postgres-bin",
        &bin,
        "--service",
        K,
        "--service",
        R,
    ])
    .exits(0);
    ["clock", "zoo"].map(|set| {
        let path = lab.path().join("sets").join(set).join("schema.lock");
        (set, std::fs::read_to_string(path).unwrap())
    })
});

fn zoo_without_locks() -> Lab {
    let lab = Lab::new();
    lab.edit("version = 1\n", "version = 1\nsets = \"sets\"\n");
    lab.edit("set = \"rgb_users\"", "set = \"zoo\"");
    lab.edit("set = \"k_social\"", "set = \"clock\"");
    for (set, sql) in [
        ("zoo", ZOO.to_owned()),
        (
            "clock",
            format!("CREATE EXTENSION IF NOT EXISTS timescaledb;\n{EVENTS};\n{CLOCK}"),
        ),
    ] {
        let folder = lab.path().join("sets").join(set);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("V1__all.sql"), sql).unwrap();
    }
    lab
}

/// A lab whose k-indexer has set `clock` and whose RGB node has set `zoo`, locks and all; nothing provisioned.
pub fn zoo_unprovisioned() -> Lab {
    let lab = zoo_without_locks();
    for (set, lock) in &*LOCKS {
        std::fs::write(lab.path().join("sets").join(set).join("schema.lock"), lock).unwrap();
    }
    lab
}

/// The same, provisioned and migrated.
pub fn zoo() -> Lab {
    let lab = zoo_unprovisioned();
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

/// `verify --format json`, whatever its exit code; it must be the one of the contract.
#[track_caller]
pub fn verify(lab: &Lab, args: &[&str]) -> Value {
    let mut all = vec!["verify", "--format", "json"];
    all.extend(args);
    let run = lab.run(&all);
    let report = run.json();
    let code = match report["status"].as_str().unwrap() {
        "pass" => 0,
        "fail" => 1,
        _ => 4,
    };
    assert_eq!(run.code, code, "{}", run.all());
    report
}

pub fn list<'a>(report: &'a Value, key: &str) -> &'a [Value] {
    report[key].as_array().unwrap()
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Rule, service and message of each finding, for messages of failed tests.
pub fn shown(report: &Value) -> String {
    let mut lines: Vec<String> = list(report, "findings")
        .iter()
        .map(|f| {
            format!(
                "{} {} {}: {} -> {}",
                text(f, "severity"),
                text(f, "rule"),
                text(f, "service"),
                text(f, "message"),
                text(f, "remedy")
            )
        })
        .collect();
    lines.extend(list(report, "not_checked").iter().map(Value::to_string));
    lines.join("\n")
}

/// Asserts that nothing is found and everything was checked.
#[track_caller]
pub fn assert_clean(lab: &Lab) {
    let report = verify(lab, &[]);
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
    assert_eq!(list(&report, "not_checked").len(), 0, "{}", shown(&report));
}

/// The statements that a remedy holds, in its order: what an operator would copy into psql.
pub fn statements(remedy: &str) -> Vec<String> {
    const VERBS: [&str; 11] = [
        "ALTER ", "DROP ", "REVOKE ", "GRANT ", "SELECT ", "DELETE ", "CREATE ", "UPDATE ",
        "INSERT ", "SET ", "COMMENT ",
    ];
    let mut found = Vec::new();
    let mut rest = remedy;
    while let Some(start) = VERBS
        .iter()
        .flat_map(|verb| rest.match_indices(verb))
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || rest[..*at].ends_with([' ', '`']))
        .min()
    {
        let tail = &rest[start..];
        let end = end_of(tail);
        found.push(tail[..end].to_owned());
        rest = &tail[end..];
    }
    found.retain(|sql| !sql.contains('…'));
    found
}

/// Where a statement ends: at the first semicolon outside of quotes.
fn end_of(sql: &str) -> usize {
    let mut quote = None;
    for (at, c) in sql.char_indices() {
        match quote {
            None if c == ';' => return at,
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
    }
    sql.len()
}

/// Runs the SQL of all remedies; one that needs another first is tried again after it.
pub fn follow(lab: &Lab, findings: &[&Value]) {
    let mut waiting: Vec<(String, Vec<String>)> = findings
        .iter()
        .map(|found| {
            let sql = statements(text(found, "remedy"));
            assert!(!sql.is_empty(), "no SQL in {found}");
            (text(found, "database").to_owned(), sql)
        })
        .collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut errors = Vec::new();
        waiting.retain(|(database, sql)| {
            let name = database.strip_suffix(&format!("_{}", lab.suffix)).unwrap();
            match psql(
                lab.bin(),
                &lab.admin_url(name),
                &format!("{};", sql.join(";\n")),
            ) {
                Ok(_) => false,
                Err(error) => {
                    errors.push(format!("{sql:?}: {error}"));
                    true
                }
            }
        });
        assert!(waiting.len() < before, "{errors:#?}");
    }
}

/// Plants every case in turn. The one finding that is seen says that the case before was mended as well.
pub fn play(lab: &Lab, cases: &[Case]) {
    for case in cases {
        let about = format!("{}: {}", case.rule, case.plant);
        lab.sql(database_of(case.service), &fill(lab, case.plant));
        // What a schema lacks concerns its own service; everything else is looked at from all sides.
        let all = !case.rule.starts_with("drift/");
        let args = ["--service", case.service];
        let report = verify(lab, if all { &[] } else { &args });
        let new: Vec<&Value> = list(&report, "findings").iter().collect();
        let found = new
            .iter()
            .find(|found| found["rule"] == case.rule)
            .unwrap_or_else(|| panic!("{about}\nnot seen in:\n{}", shown(&report)));
        let mut rules: Vec<&str> = new.iter().map(|found| text(found, "rule")).collect();
        rules.sort_unstable();
        let mut expected: Vec<&str> = std::iter::once(&case.rule)
            .chain(case.also)
            .copied()
            .collect();
        expected.sort_unstable();
        assert_eq!(rules, expected, "{about}\n{}", shown(&report));
        assert_eq!(found["severity"], case.severity, "{about}\n{found}");
        assert_eq!(found["service"], case.service, "{about}\n{found}");
        assert_eq!(
            text(found, "database"),
            lab.db(database_of(case.service)),
            "{about}\n{found}"
        );
        let (kind, schema, name) = case.object;
        let object = &found["object"];
        assert_eq!(
            (
                text(object, "kind"),
                text(object, "schema"),
                text(object, "name")
            ),
            (kind, fill(lab, schema).as_str(), fill(lab, name).as_str()),
            "{about}\n{found}"
        );
        assert_eq!(
            found["belongs_to"].as_str(),
            case.belongs_to,
            "{about}\n{found}"
        );
        for word in case.says {
            let word = fill(lab, word);
            assert!(
                text(found, "message").contains(&word),
                "{about}\nno {word:?} in {found}"
            );
        }
        for key in ["expected", "actual", "remedy", "evidence"] {
            assert!(!text(found, key).is_empty(), "{about}\nno {key} in {found}");
        }
        match case.mend {
            Mend::Remedy => follow(lab, &new),
            Mend::RemedyThen(sql) => {
                follow(lab, &new);
                lab.sql(database_of(case.service), &fill(lab, sql));
            }
            Mend::Sql(sql) => {
                lab.sql(database_of(case.service), &fill(lab, sql));
            }
        }
    }
    assert_clean(lab);
}

#[test]
fn the_sql_of_a_remedy_is_found() {
    assert_eq!(
        statements(
            "If its rows are needed, move them first. Then: DROP TABLE public.a; REVOKE x FROM y; ok"
        ),
        ["DROP TABLE public.a", "REVOKE x FROM y"]
    );
    assert_eq!(
        statements("DROP DATABASE \"A\"; otherwise rename it: ALTER DATABASE \"A\" RENAME TO …;"),
        ["DROP DATABASE \"A\""]
    );
    assert!(statements("Restore it from a backup.").is_empty());
}
