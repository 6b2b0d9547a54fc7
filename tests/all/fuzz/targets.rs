//! What is fuzzed: a reader, texts that it accepts, and the words that mean something to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dbctl::command::since::Last;
use dbctl::command::{Loaded, check};
use dbctl::compose::{self, Deployment, Wanted};
use dbctl::manifest::{self, Endpoint, Inputs, Manifest};
use dbctl::rules::Severity;
use dbctl::snapshot::Lock;

use super::giants;

pub struct Target {
    pub name: &'static str,
    pub seeds: fn() -> Vec<Vec<u8>>,
    pub giants: fn(giants::Size) -> Vec<Vec<u8>>,
    pub words: &'static [&'static str],
    /// Reads the input in this folder; whether it was accepted.
    pub run: fn(&Path, &[u8]) -> bool,
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "manifest",
        seeds: || texts(&[include_str!("../../../src/manifest/builtin.toml"), MANIFEST]),
        giants: giants::toml,
        words: &[
            "[services.",
            "[[allow]]",
            "store = \"files\"",
            "store = \"timescaledb\"",
            "engine",
            "url",
            "{ env = ",
            "default",
            "optional = true",
            "topology = \"shared\"",
            "sets = \"..\"",
            "until = \"2030-02-30\"",
            "postgres://u:p@[::1]:1,h:2/d?sslmode=require",
            "host = \"/run\"",
            "port = 0",
            "version = 1",
            "compose = ",
            "container",
            "data_dir",
            "storage_dir",
            "admin_url",
            "schema",
        ],
        run: manifest,
    },
    Target {
        name: "compose",
        seeds: || {
            texts(&[
                include_str!("../compose/reference.yaml"),
                include_str!("../../../deploy/compose.yaml"),
                COMPOSE,
            ])
        },
        giants: giants::yaml,
        words: &[
            "services:",
            "  extends: {file: other.yaml, service: base}",
            "include: [other.yaml]",
            "&anchor ",
            "*anchor",
            "<<: ",
            "${A:-${B:?no}}",
            "$$",
            "!reset null",
            "!override",
            "? ",
            "|\n",
            ">-\n",
            "--- ",
            "...",
            "env_file: [other.env]",
            "environment:",
            "ports: [\"127.0.0.1:1-9:1-9/udp\"]",
            "volumes_from: [a]",
            "network_mode: service:k-social-db",
            "profiles: []",
            "POSTGRES_DB",
            "DATABASE_URL=",
            "postgres://u:p@k-social-db/ksocial",
            "secrets:",
            "configs:",
            "command: psql -h x -d y",
            "healthcheck: {disable: true}",
            "tmpfs: /x",
            "name: pg",
            "%YAML 1.2",
        ],
        run: compose,
    },
    Target {
        name: "mounted",
        seeds: || texts(&MOUNTED),
        giants: giants::lines,
        words: &[
            "export ",
            "A=\"${A:-${B}}\"",
            "A='",
            "DATABASE_URL=",
            "POSTGRES_PASSWORD: ",
            "PGPASSFILE=/run/pgpass",
            "k-social-db:5432:ksocial:k_social_user:x\\:y",
            "*:*:*:*:",
            "[section]",
            "host = 'simply-kaspa-db' dbname=simply_kaspa",
            "postgres://u:p@simply-kaspa-db/simply_kaspa",
            "jdbc:postgresql://h1,h2/d?user=u",
            "host all all 0.0.0.0/0 trust",
            "include_dir '.'",
            "CREATE TABLE x ();",
            "psql -h simply-kaspa-db <<EOF\n",
            "EOF\n",
            "$(cat /run/secrets/x)",
            "exec \"$@\"",
            "\\\n",
            "\0",
            "\u{feff}",
            "\r\n",
        ],
        run: mounted,
    },
    Target {
        name: "password_file",
        seeds: || {
            texts(&[
                "# mine\nlocalhost:5432:one:one:secret\n*:*:*:*:other\n",
                "local\\:host:*:o\\\\ne:*:x\nlocalhost:*:*:one:a:b\r\n",
            ])
        },
        giants: giants::lines,
        words: &[
            "localhost:5432:one:one:",
            "*:",
            "\\:",
            "\\\\",
            "\\",
            ":",
            "#",
            "\n",
            "\r",
            "\0",
            "[::1]",
            "/tmp:5432:",
        ],
        run: password_file,
    },
    Target {
        name: "sets",
        seeds: sets_seeds,
        giants: giants::sql,
        words: &[
            "\n---- V2__more.sql\n",
            "\n---- V2__more.down.sql\n",
            "\n---- U1__x.sql\n",
            "\n---- V0__.sql\n",
            "CREATE TABLE ",
            "two.x",
            "ksocial_two",
            "DO $$ BEGIN ",
            " END $$;",
            "EXECUTE format('DROP TABLE %I', x);",
            "$tag$",
            "E'\\n'",
            "U&\"\\0062\"",
            "\\c other",
            "\\if x",
            "COPY a FROM stdin;\n1\n\\.\n",
            "CREATE INDEX CONCURRENTLY",
            "SET search_path = x;",
            "SELECT set_config('search_path', 'x', false);",
            "GRANT ALL ON ",
            "ALTER SYSTEM",
            "dblink(",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN ",
            "-- dbctl:allow sets/unsafe-ddl: reason",
            "-- dbctl: ",
            "BEGIN;",
            "COMMIT;",
            "LOOP",
            "FOR r IN SELECT 1 LOOP",
            "UNION ALL",
            "::regclass",
            "||",
            "current_database()",
            "BEGIN ATOMIC",
            "MERGE INTO",
            "PREPARE p AS",
            "\u{feff}",
        ],
        run: sets,
    },
    Target {
        name: "lock",
        seeds: || {
            texts(&[
                include_str!("../../../migrations/k_social/schema.lock"),
                include_str!("../../../migrations/rgb_users/schema.lock"),
                include_str!("../../../migrations/simply_kaspa/schema.lock"),
            ])
        },
        giants: giants::toml,
        words: &[
            "[[migration]]",
            "[[object]]",
            "adds = [",
            "removes",
            "changes",
            "version = 2",
            "majors = [17, 17]",
            "sum = \"sha256:\"",
            "fingerprint",
            "objects = -1",
            "table public.",
            "column public.a.b",
            "\"\"\"",
            "'''",
            "source = ",
        ],
        run: lock,
    },
    Target {
        name: "last_report",
        seeds: || texts(&[REPORT]),
        giants: giants::json,
        words: &[
            "\"version\":1",
            "\"findings\":[",
            "\"not_checked\":[]",
            "\"severity\":\"error\"",
            "null",
            "{}",
            "[]",
            "\\ud800",
            "\\u0000",
            "1e400",
            "-0",
        ],
        run: last_report,
    },
    Target {
        name: "connection_url",
        seeds: || {
            texts(&[
                "postgresql://k_social_user:p%40ss@k-social-db:5432/ksocial?sslmode=verify-full&connect_timeout=5",
                "postgres://u@[::1]:5432,h2:5433/d?target_session_attrs=read-write",
                "postgresql+asyncpg://u:p@%2Fvar%2Frun/d",
                "postgres://u@/d?host=/tmp&port=1&user=x&password=y&dbname=z",
            ])
        },
        giants: giants::url,
        words: &[
            "postgres://",
            "%",
            "%2",
            "%00",
            "%ff",
            "@",
            ":",
            "/",
            "?",
            "&",
            "=",
            "[",
            "]",
            ",",
            "sslmode=disable",
            "host=",
            "port=99999",
            "options=-c%20x",
            "sslrootcert=/dev/zero",
            "user=",
            "dbname=",
        ],
        run: connection_url,
    },
];

const MANIFEST: &str = r#"version = 1
topology = "shared"
sets = "sets"
compose = "a.yaml:b.yaml"

[services.one]
store = "postgres"
managed = "service"
database = "one"
role = "one"
url = { env = ["ONE_URL", "DATABASE_URL"] }
host = "localhost"
port = { env = "ONE_PORT", default = 5433 }
password = { env = "ONE_PW", default = "x" }
admin_url = { env = "ONE_ADMIN" }
data_dir = { env = "ONE_DIR", default = "/nowhere/one" }

[[allow]]
rule = "access/trust"
service = "one"
object = "pg_hba.conf"
reason = "local only"
until = "2099-12-31"
"#;

const COMPOSE: &str = r#"
x-env: &env {POSTGRES_USER: k_social_user, POSTGRES_PASSWORD: "${PW:-x${Y:+y}}"}
services:
  db: &db
    extends: {file: other.yaml, service: base}
    environment: {<<: *env, POSTGRES_DB: ksocial}
    ports: [{target: 5432, published: "5433", host_ip: 127.0.0.1}]
    volumes: [{type: bind, source: ./pg, target: /var/lib/postgresql/data}, "data:/x:ro"]
  k-indexer:
    image: "k-indexer@sha256:00"
    command: ["psql", "-h", "db", "-U", "k_social_user", "ksocial"]
    environment: [PGHOST=db, "PGPORT=${P-5432}", PGDATABASE=ksocial, DATABASE_URL]
    links: ["db:pg"]
    depends_on: {db: {condition: service_healthy, required: false}}
volumes: {data: {}}
"#;

const REPORT: &str = r#"{"version":1,"tool":{"name":"dbctl","version":"0.1.0"},"status":"fail","findings":[
{"rule":"drift/unknown-object","severity":"error","service":"k-indexer","object":{"kind":"table","schema":"public","name":"a"},"message":"m"},
{"rule":"access/trust","severity":"warning","service":null,"object":{"kind":"file","schema":null,"name":"pg_hba.conf"},"message":"n"}],
"not_checked":[],"allowed":[]}
"#;

/// Two services that migrate themselves, and one that keeps files.
const PARTIES: &str = r#"version = 1
[services.k-indexer]
store = "postgres"
database = "ksocial"
role = "k_social_user"
host = "localhost"
port = 5433
managed = "service"
container = "k-social-db"
[services.simply-kaspa-indexer]
store = "postgres"
database = "simply_kaspa"
role = "simply_kaspa_user"
host = "localhost"
port = 5434
managed = "service"
container = "simply-kaspa-db"
[services.kasia-indexer]
store = "files"
data_dir = { env = "KASIA_DATA_DIR" }
"#;

/// A service whose password is in a file.
const PARTIES_OF_ONE: &str = r#"version = 1
[services.one]
store = "postgres"
database = "one"
role = "one"
host = "localhost"
port = 5432
managed = "service"
"#;

/// What containers are given as files.
const MOUNTED: [&str; 7] = [
    "# of the indexer\nexport A=1\nB=\"two words ${A}\"\nC='$A'\nDATABASE_URL=postgres://k_social_user:x@k-social-db/ksocial\nD\n",
    "A: 1\nB: \"more\nthan one line\"\n",
    "a-password-alone\n",
    "k-social-db:5432:ksocial:k_social_user:secret\n*:*:*:*:y\n",
    "[one]\nhost=k-social-db\ndbname=ksocial\n",
    "#!/bin/sh\nset -eu\npsql -h k-social-db -U k_social_user ksocial <<-EOSQL\n\tCREATE TABLE k_x (id int);\nEOSQL\nexec \"$@\"\n",
    "FROM debian:12\nENV PGHOST=simply-kaspa-db \\\n  PGDATABASE=simply_kaspa\nCMD [\"x\"]\n",
];

/// Two services with a set each; `two` is the neighbour that must not be reached.
const NEIGHBOURS: &str = r#"version = 1
sets = "sets"
[services.one]
store = "postgres"
set = "one"
database = "one"
role = "one"
host = "localhost"
port = 5432
[services.two]
store = "postgres"
set = "two"
database = "two"
role = "two"
host = "localhost"
port = 5432
"#;

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The built-in migrations and those that `check_sets.rs` refuses, each as the files of one folder.
fn sets_seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut seeds = Vec::new();
    for set in ["k_social", "simply_kaspa", "rgb_users"] {
        for file in std::fs::read_dir(folder.join(set)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let text = std::fs::read_to_string(&path).unwrap();
                seeds.push(format!("---- V1__seed.sql\n{text}").into_bytes());
            }
        }
    }
    for (_, sql, ..) in crate::check_sets::BAD {
        seeds.push(format!("---- V1__seed.sql\n{sql}").into_bytes());
    }
    assert!(seeds.len() > 40);
    seeds
}

fn inputs(folder: &Path) -> Inputs {
    Inputs {
        directory: folder.to_path_buf(),
        env: BTreeMap::from([
            ("KASIA_DATA_DIR".to_owned(), String::new()),
            ("PW".to_owned(), "pw".to_owned()),
        ]),
        ..Inputs::default()
    }
}

fn load(folder: &Path, text: &str) -> Manifest {
    std::fs::write(folder.join("dbctl.toml"), text).unwrap();
    manifest::load(&inputs(folder)).unwrap()
}

fn manifest(folder: &Path, input: &[u8]) -> bool {
    std::fs::write(folder.join("dbctl.toml"), input).unwrap();
    manifest::load(&inputs(folder)).is_ok_and(|manifest| manifest.select(&[]).is_ok())
}

fn compose(folder: &Path, input: &[u8]) -> bool {
    std::fs::write(folder.join("compose.yaml"), input).unwrap();
    std::fs::write(
        folder.join("other.yaml"),
        "services: {base: {image: \"postgres:17\", env_file: other.env}}\n",
    )
    .unwrap();
    std::fs::write(folder.join("other.env"), "A=1\nB='${A}'\n").unwrap();
    let manifest = load(folder, PARTIES);
    let project = compose::load(&Wanted {
        files: vec![PathBuf::from("compose.yaml")],
        env: inputs(folder).env,
        garbled: std::collections::BTreeSet::new(),
        directory: folder.to_path_buf(),
    });
    let Ok(project) = project else {
        return false;
    };
    judge(&manifest, Some(Deployment::new(project, &manifest, true)));
    true
}

/// A file that a container is given in every way there is: its text is an environment, a secret, a password file, settings, scripts.
const MOUNTING: &str = r#"
services:
  k-social-db:
    image: "timescale/timescaledb:2.19.3-pg17"
    command: [postgres, -c, hba_file=/etc/hba.conf, -c, config_file=/etc/pg.conf]
    environment: {POSTGRES_DB: ksocial, POSTGRES_PASSWORD_FILE: /run/secrets/any}
    secrets: [any]
    volumes:
      - "data:/var/lib/postgresql/data"
      - "./any:/etc/hba.conf:ro"
      - "./any:/etc/pg.conf:ro"
      - "./any:/docker-entrypoint-initdb.d/1.sql:ro"
      - "./any:/docker-entrypoint-initdb.d/2.sh:ro"
  k-indexer:
    image: "k-indexer:1"
    entrypoint: /start.sh
    env_file: [{path: any, required: false}]
    environment: {PGPASSFILE: /pgpass, PGSERVICEFILE: /service, PGSERVICE: one, PGHOST: k-social-db, DATABASE_URL_FILE: /run/secrets/any}
    secrets: [any]
    configs: [any]
    volumes: ["./any:/start.sh", "./any:/pgpass", "./any:/service", "./any:/etc/any.toml"]
  simply-kaspa-indexer:
    build: {context: ., dockerfile: any}
volumes: {data: {}}
secrets: {any: {file: any}}
configs: {any: {file: any}}
"#;

fn mounted(folder: &Path, input: &[u8]) -> bool {
    std::fs::write(folder.join("any"), input).unwrap();
    let manifest = load(folder, PARTIES);
    let read = |text: &str| {
        std::fs::write(folder.join("compose.yaml"), text).unwrap();
        let project = compose::load(&Wanted {
            files: vec![PathBuf::from("compose.yaml")],
            env: inputs(folder).env,
            garbled: std::collections::BTreeSet::new(),
            directory: folder.to_path_buf(),
        });
        let accepted = project.is_ok();
        if let Ok(project) = project {
            judge(&manifest, Some(Deployment::new(project, &manifest, true)));
        }
        accepted
    };
    // What is no environment file ends the run at once; the others are read all the same.
    read(MOUNTING) || {
        read(&MOUNTING.replace("env_file: [{path: any", "env_file: [{path: none"));
        false
    }
}

fn password_file(folder: &Path, input: &[u8]) -> bool {
    let path = folder.join("pgpass");
    std::fs::write(&path, input).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    std::fs::write(folder.join("dbctl.toml"), PARTIES_OF_ONE).unwrap();
    let mut inputs = inputs(folder);
    inputs
        .env
        .insert("PGPASSFILE".to_owned(), path.display().to_string());
    let manifest = manifest::load(&inputs).unwrap();
    let services = manifest.services.iter();
    let mut endpoints = services.filter_map(|service| match &service.target {
        manifest::Target::Database(endpoint) => Some(&endpoint.value),
        _ => None,
    });
    endpoints.any(|endpoint| {
        let mut hosts = endpoint.hosts.iter();
        hosts.any(|host| {
            endpoint.password_for(host).is_some() || endpoint.password_note(host).is_none()
        })
    })
}

fn judge(manifest: &Manifest, deployment: Option<Deployment>) {
    let chosen = manifest.select(&[]).unwrap();
    let loaded = Loaded::new(manifest, &chosen);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(check::run(&loaded, deployment, Severity::Error));
}

/// The files behind `---- NAME` lines, as the set of a service.
fn sets(folder: &Path, input: &[u8]) -> bool {
    let set = folder.join("sets/one");
    let _ = std::fs::remove_dir_all(&set);
    std::fs::create_dir_all(&set).unwrap();
    let other = folder.join("sets/two");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(
        other.join("V1__two.sql"),
        "CREATE TABLE two (x int); CREATE FUNCTION two() RETURNS int LANGUAGE sql AS 'SELECT 2';",
    )
    .unwrap();
    let mut rest = input;
    while let Some(start) = find(rest, b"---- ") {
        rest = &rest[start + 5..];
        let line = find(rest, b"\n").unwrap_or(rest.len());
        let (name, after) = rest.split_at(line);
        let end = find(after, b"---- ").unwrap_or(after.len());
        let name = String::from_utf8_lossy(name).replace(['/', '\0'], "_");
        // A name that the file system refuses is no name of a file.
        let _ = std::fs::write(set.join(name.trim()), after.get(1..end).unwrap_or_default());
        rest = &after[end..];
    }
    let manifest = load(folder, NEIGHBOURS);
    judge(&manifest, None);
    dbctl::Set::on_disk("one", &set).is_ok_and(|set| !set.migrations.is_empty())
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

fn lock(_: &Path, input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let Ok(lock) = Lock::parse("schema.lock", &text) else {
        return false;
    };
    // What it read is what it would write.
    assert_eq!(Lock::parse("again", &lock.write()).as_ref(), Ok(&lock));
    for version in &lock.versions {
        let _ = lock.at(version.version);
    }
    true
}

fn last_report(folder: &Path, input: &[u8]) -> bool {
    let path = folder.join("last.json");
    std::fs::write(&path, input).unwrap();
    Last::read(&path).is_ok_and(|last| last.report().is_some())
}

fn connection_url(_: &Path, input: &[u8]) -> bool {
    let Ok(endpoint) = Endpoint::parse(&String::from_utf8_lossy(input)) else {
        return false;
    };
    // What goes to a server as a URL is what was read.
    let url = endpoint.to_url();
    let again = Endpoint::parse(url.expose()).unwrap();
    assert_eq!(again.to_url().expose(), url.expose());
    assert_eq!(again.display(), endpoint.display());
    true
}
