//! A system of services for one test: databases and roles of its own on servers that all tests share, a manifest, and the binary.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Once};

use dbctl::sandbox::{Binaries, Need, Server, ServerOptions, find_all, random_password};
use serde_json::Value;

/// What every password in a lab begins with, and k-indexer's own. It must occur in no output and in no log.
pub const CANARY: &str = "c4nary-pässword'\"\\$x";

/// PostgreSQL 17 with TimescaleDB, shared by the tests; a watcher stops it when the test process ends.
static SHARED: LazyLock<Server> = LazyLock::new(|| {
    start(
        &binaries(17, true).expect("PostgreSQL 17 with TimescaleDB: run ./test.sh"),
        true,
        &[],
    )
});

/// PostgreSQL 17 with TimescaleDB whose log tells everything. Here the canary must reach no statement but dbctl's own.
pub static LOGGED: LazyLock<Server> = LazyLock::new(|| {
    start(
        &binaries(17, true).expect("PostgreSQL 17 with TimescaleDB: run ./test.sh"),
        true,
        &[
            ("log_min_duration_statement", "0"),
            ("log_min_error_statement", "debug5"),
            ("log_error_verbosity", "verbose"),
            ("log_connections", "on"),
            // Counters of tuples must stand still while nobody writes.
            ("autovacuum", "off"),
        ],
    )
});

static NEXT: AtomicUsize = AtomicUsize::new(1);

/// A failed test says why where it fails, not only after the last test: a log that is cut short still tells.
fn tell_panics_at_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a thread without a name");
            // Not `eprintln!`, whose output the test harness keeps back.
            writeln!(std::io::stderr(), "{test}: {info}").ok();
            hook(info);
        }));
    });
}

/// The server binaries of this major version, or a loud word that the test is skipped.
pub fn binaries(major: u32, timescaledb: bool) -> Option<Binaries> {
    tell_panics_at_once();
    let env: BTreeMap<String, String> = std::env::vars()
        .filter(|(name, _)| name != "DBCTL_POSTGRES_BIN")
        .collect();
    let need = Need {
        timescaledb,
        major: Some(major),
    };
    let found = find_all(None, &env, need).into_iter().next();
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "PostgreSQL {major} is missing, and CI skips nothing"
        );
        eprintln!("SKIPPED: PostgreSQL {major} is not installed here; ./test.sh installs it");
    }
    found
}

/// A server of the test's own. Dropping it stops it.
pub fn start(binaries: &Binaries, timescaledb: bool, settings: &[(&str, &str)]) -> Server {
    let mut options = ServerOptions::new("test", random_password());
    options.timescaledb = timescaledb;
    options.settings = [
        ("max_connections", "200"),
        ("max_worker_processes", "150"),
        ("log_statement", "all"),
    ]
    .iter()
    .chain(timescaledb.then_some(&("timescaledb.max_background_workers", "100")))
    .chain(settings)
    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
    .collect();
    Server::start(binaries, &options).expect("the test server starts")
}

/// What the binary answered.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Asserts the exit code; shows everything when it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }

    /// Asserts that stdout and stderr together hold this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.all().contains(text),
            "expected {text:?} in:\n{}",
            self.all()
        );
        self
    }

    pub fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }
}

/// Databases of the three SQL services in one server, a manifest for them, and an environment.
pub struct Lab {
    pub dir: tempfile::TempDir,
    pub env: BTreeMap<String, String>,
    /// What the databases and roles of this lab end in.
    pub suffix: String,
    /// The server's folder of binaries, for psql.
    bin: PathBuf,
    admin: String,
    drop: bool,
}

pub const K: &str = "k-indexer";
pub const S: &str = "simply-kaspa-indexer";
pub const R: &str = "rgb-lightning-node";

impl Lab {
    /// A lab in the shared server, nothing provisioned.
    pub fn new() -> Self {
        let mut lab = Self::on(&SHARED, "timescaledb");
        lab.drop = true;
        lab
    }

    /// A lab in the shared server, provisioned and migrated.
    pub fn migrated() -> Self {
        let lab = Self::new();
        lab.run(&["provision", "-q"]).exits(0);
        lab.run(&["migrate", "-q"]).exits(0);
        lab
    }

    /// A lab in this server; `store` is the store of the two indexers.
    pub fn on(server: &Server, store: &str) -> Self {
        let suffix = format!(
            "t{}_{}",
            std::process::id() % 10_000,
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = tempfile::tempdir().unwrap();
        let admin = server.admin_url("postgres").expose().to_owned();
        let mut lab = Self {
            dir,
            env: BTreeMap::new(),
            suffix,
            bin: server.bin().to_path_buf(),
            admin: admin.clone(),
            drop: false,
        };
        let mut manifest = String::from("version = 1\n");
        for (service, set, database, role, store) in [
            (K, "k_social", "ksocial", "k_social_user", store),
            (
                S,
                "simply_kaspa",
                "simply_kaspa",
                "simply_kaspa_user",
                store,
            ),
            (R, "rgb_users", "rgb_lightning_node", "rgb_user", "postgres"),
        ] {
            let key = set.to_uppercase();
            manifest.push_str(&format!(
                "\n[services.{service}]\nstore = \"{store}\"\nset = \"{set}\"\ndatabase = \"{}\"\nrole = \"{}\"\n\
                 url = {{ env = \"{key}_URL\" }}\nhost = \"127.0.0.1\"\nport = {}\npassword = {{ env = \"{key}_PW\" }}\n\
                 admin_url = {{ env = \"{key}_ADMIN\" }}\n",
                lab.db(database),
                lab.db(role),
                server.port(),
            ));
            lab.env.insert(format!("{key}_PW"), password(role));
            lab.env.insert(format!("{key}_ADMIN"), admin.clone());
        }
        std::fs::write(lab.dir.path().join("dbctl.toml"), manifest).unwrap();
        lab
    }

    /// A name of this lab: `ksocial` becomes `ksocial_t12_3`.
    pub fn db(&self, name: &str) -> String {
        format!("{name}_{}", self.suffix)
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Takes the administrators' URLs away.
    pub fn without_admin(&mut self) -> &mut Self {
        self.env.retain(|name, _| !name.ends_with("_ADMIN"));
        self
    }

    /// Replaces text of the manifest.
    #[track_caller]
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.path().join("dbctl.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains(from),
            "{from:?} is not in the manifest:\n{text}"
        );
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// The command with this lab's folder and a scrubbed environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = dbctl(self.path());
        command.args(args).envs(&self.env);
        command
    }

    /// Runs dbctl. No output may hold the canary.
    pub fn run(&self, args: &[&str]) -> Run {
        finish(self.command(args))
    }

    /// Runs dbctl with `--format json`.
    #[track_caller]
    pub fn json(&self, args: &[&str], code: i32) -> Value {
        let mut args = args.to_vec();
        args.extend(["--format", "json"]);
        self.run(&args).exits(code).json()
    }

    /// Runs SQL as the superuser in one of this lab's databases; returns the rows, columns separated by `|`.
    #[track_caller]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let database = if database == "postgres" {
            database.to_owned()
        } else {
            self.db(database)
        };
        psql(&self.bin, &url_of(&self.admin, &database), sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// As [`Lab::sql`], for a server that may be away.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        psql(&self.bin, &url_of(&self.admin, database), sql)
    }

    /// The URL of this service's own role.
    pub fn url(&self, database: &str, role: &str) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let (_, place) = self.admin.rsplit_once('@').unwrap();
        let (host, _) = place.split_once('/').unwrap();
        let password = password(role);
        let password = utf8_percent_encode(&password, NON_ALPHANUMERIC);
        format!(
            "postgresql://{}:{password}@{host}/{}",
            self.db(role),
            self.db(database)
        )
    }

    /// The superuser's URL for one of this lab's databases.
    pub fn admin_url(&self, database: &str) -> String {
        url_of(&self.admin, &self.db(database))
    }

    /// Runs SQL as the service's own role.
    pub fn sql_as(&self, database: &str, role: &str, sql: &str) -> Result<String, String> {
        psql(&self.bin, &self.url(database, role), sql)
    }

    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Replaces the manifest by one of PostgreSQL services of these names, each with a database, a role and a set `sql/NAME` of
    /// its own with three small migrations. The variables of service `a` are `A_URL`, `A_PW`, `A_ADMIN`.
    pub fn own_services(&mut self, names: &[&str]) {
        let (_, place) = self.admin.rsplit_once('@').unwrap();
        let (_, port) = place.split_once('/').unwrap().0.split_once(':').unwrap();
        let mut manifest = String::from("version = 1\nsets = \"sql\"\n");
        for name in names {
            let key = name.to_uppercase();
            let target = self.db(name);
            manifest.push_str(&format!(
                "\n[services.{name}]\nstore = \"postgres\"\nset = \"{name}\"\ndatabase = \"{target}\"\nrole = \"{target}\"\n\
                 url = {{ env = \"{key}_URL\" }}\nhost = \"127.0.0.1\"\nport = {port}\npassword = {{ env = \"{key}_PW\" }}\n\
                 admin_url = {{ env = \"{key}_ADMIN\" }}\n"
            ));
            for (version, table) in [(1, "one"), (2, "two"), (4, "four")] {
                self.write(
                    &format!("sql/{name}/V{version}__{table}.sql"),
                    format!("CREATE TABLE {name}_{table} (a int PRIMARY KEY);\n"),
                );
            }
            self.env.insert(format!("{key}_PW"), password(name));
            self.env.insert(format!("{key}_ADMIN"), self.admin.clone());
        }
        self.write("dbctl.toml", manifest);
    }

    /// Takes psql from this folder: the server's own has none.
    pub fn psql_from(&mut self, bin: &Path) {
        self.bin = bin.to_path_buf();
    }

    /// Writes a file of this lab's folder, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The line of the manifest that holds this text, counted from 1.
    #[track_caller]
    pub fn line(&self, text: &str) -> usize {
        let manifest = std::fs::read_to_string(self.path().join("dbctl.toml")).unwrap();
        1 + manifest
            .lines()
            .position(|line| line.contains(text))
            .unwrap_or_else(|| panic!("{text:?} is not in the manifest:\n{manifest}"))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.drop {
            return;
        }
        for (database, role) in [
            ("ksocial", "k_social_user"),
            ("simply_kaspa", "simply_kaspa_user"),
            ("rgb_lightning_node", "rgb_user"),
        ] {
            let (database, role) = (self.db(database), self.db(role));
            let admin = url_of(&self.admin, "postgres");
            psql(
                &self.bin,
                &admin,
                &format!("DROP DATABASE IF EXISTS \"{database}\" WITH (FORCE)"),
            )
            .ok();
            psql(
                &self.bin,
                &admin,
                &format!("DROP ROLE IF EXISTS \"{role}\""),
            )
            .ok();
        }
    }
}

/// The password of a role or of a service of [`Lab::own_services`]: each has its own, and the canary is in all of them.
pub fn password(role: &str) -> String {
    if matches!(role, "k_social_user" | "a") {
        CANARY.to_owned()
    } else {
        format!("{CANARY}-{role}")
    }
}

/// The binary under test in this folder, with nothing of the caller's environment but what finds programs and servers.
pub fn dbctl(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbctl"));
    command
        .current_dir(directory)
        .env_clear()
        .stdin(Stdio::null());
    for name in [
        "PATH",
        "HOME",
        "DBCTL_CACHE",
        "XDG_CACHE_HOME",
        "TMPDIR",
        // Of scripts/mutation.sh; a build without its feature knows nothing of it.
        "DBCTL_MUTATION",
    ] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs a command to its end. No output may hold the canary.
pub fn finish(mut command: Command) -> Run {
    let output = command.output().unwrap();
    let run = Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(
        !run.all().contains(CANARY),
        "a password in the output:\n{}",
        run.all()
    );
    assert!(
        !run.all().contains("c4nary"),
        "a password in the output:\n{}",
        run.all()
    );
    run
}

/// The same URL with another database.
fn url_of(url: &str, database: &str) -> String {
    let (place, _) = url.rsplit_once('/').unwrap();
    format!("{place}/{database}")
}

/// Runs SQL, each statement in a transaction of its own.
pub fn psql(bin: &Path, url: &str, sql: &str) -> Result<String, String> {
    use std::io::Write as _;
    let mut child = Command::new(bin.join("psql"))
        .args(["-qXAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"])
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .env("PGAPPNAME", "test")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let sent = child.stdin.take().unwrap().write_all(sql.as_bytes());
    let output = child.wait_with_output().unwrap();
    // One that was not let in does not read what it was given; its status tells.
    if output.status.success() {
        sent.unwrap();
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
