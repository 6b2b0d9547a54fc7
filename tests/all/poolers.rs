//! dbctl behind PgBouncer: reading works and leaves nothing behind, writing is refused where lock and settings would not hold.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dbctl::manifest::Endpoint;
use dbctl::postgres::{Purpose, Reason, connect, inspect};
use dbctl::sandbox::Server;
use serde_json::Value;

use crate::lab::{CANARY, LOGGED, Lab, Run, dbctl, finish, psql};
use crate::sandbox::until;

/// A PgBouncer of the test's own in front of one server.
struct Pooler {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Pooler {
    /// A pooler for the roles of the lab and the server's superuser, or a loud word that the test is skipped.
    fn start(lab: &Lab, server: &Server, settings: &str) -> Option<Self> {
        Self::start_for(lab, server, "*", settings)
    }

    /// The same, for these databases.
    fn start_for(lab: &Lab, server: &Server, databases: &str, settings: &str) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let admin = Endpoint::parse(server.admin_url("postgres").expose()).unwrap();
        let users = format!(
            "{} {}\n{} {}\n",
            quoted(&lab.db("a")),
            quoted(CANARY),
            quoted(&admin.user),
            quoted(admin.password.as_ref().unwrap().expose())
        );
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("users"), users).unwrap();
        let config = format!(
            "[databases]\n{databases} = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\nlogfile = {}\nignore_startup_parameters = options\n{settings}\n",
            server.port(),
            path("users").display(),
            path("log").display()
        );
        std::fs::write(path("config"), config).unwrap();
        let mut command = Command::new(program);
        command
            .arg("-q")
            .arg(path("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let owner = std::fs::metadata(server.data_dir()).unwrap();
        if nix::unistd::Uid::effective().is_root() {
            // PgBouncer refuses root.
            std::os::unix::fs::chown(folder.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
            command.uid(owner.uid()).gid(owner.gid());
        }
        let pooler = Self {
            child: command.spawn().unwrap(),
            port,
            _folder: folder,
        };
        until("PgBouncer listens", Duration::from_secs(60), || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(pooler)
    }

    /// The same URL through the pooler.
    fn through(&self, url: &str) -> String {
        let (place, database) = url.rsplit_once('/').unwrap();
        let (place, _) = place.rsplit_once(':').unwrap();
        format!("{place}:{}/{database}", self.port)
    }

    /// A lab's environment whose URLs lead through the pooler.
    fn put_in_front_of(&self, lab: &mut Lab) {
        let (url, admin) = (lab.url("a", "a"), lab.admin_url("a"));
        lab.env.insert("A_URL".to_owned(), self.through(&url));
        lab.env.insert("A_ADMIN".to_owned(), self.through(&admin));
    }
}

fn program() -> Option<PathBuf> {
    let cache = std::env::var_os("DBCTL_CACHE").map_or("/var/cache/dbctl".into(), PathBuf::from);
    let found = [
        cache.join("pgbouncer/usr/sbin/pgbouncer"),
        PathBuf::from("/usr/sbin/pgbouncer"),
    ]
    .into_iter()
    .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "PgBouncer is missing, and CI skips nothing"
        );
        eprintln!("SKIPPED: no PgBouncer here; scripts/postgres-runtime.sh pgbouncer installs it");
    }
    found
}

/// One service `a`, provisioned and migrated without a pooler.
fn lab() -> Lab {
    let mut lab = Lab::on(&LOGGED, "postgres");
    lab.own_services(&["a"]);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

/// What a report says, without how long it took and which port it asked.
fn plain(run: &Run, port: u16) -> Value {
    fn timeless(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("duration_ms");
                fields.values_mut().for_each(timeless);
            }
            Value::Array(items) => items.iter_mut().for_each(timeless),
            _ => {}
        }
    }
    let mut report = run.json();
    timeless(&mut report);
    without_pooler(&mut report);
    let text = report.to_string().replace(&format!(":{port}"), ":PORT");
    serde_json::from_str(&text).unwrap()
}

/// That a pooler is there is what verify has to say of it; everything else is the same.
fn without_pooler(report: &mut Value) {
    let Some(findings) = report.get_mut("findings").and_then(Value::as_array_mut) else {
        return;
    };
    let all = findings.len();
    findings.retain(|found| found["rule"] != "identity/pooler");
    if findings.len() < all {
        report["summary"]["warning"] = 0.into();
        report["services"][0]["warning"] = 0.into();
    }
}

/// What another client of the pooler finds: the settings of its server process, what is prepared there, and who it is.
fn found_by_others(bin: &Path, url: &str) -> String {
    let settings = [
        "default_transaction_read_only",
        "transaction_read_only",
        "search_path",
        "role",
        "jit",
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "client_min_messages",
        "timezone",
    ];
    let shown: String = settings
        .iter()
        .map(|name| format!("SELECT '{name} = ' || current_setting('{name}');"))
        .collect();
    psql(
        bin,
        url,
        &format!(
            "{shown} SELECT count(*) || ' prepared' FROM pg_prepared_statements; \
             SELECT count(*) || ' advisory' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid(); \
             SELECT 'process ' || pg_backend_pid();"
        ),
    )
    .unwrap()
}

#[test]
fn reading_through_transaction_pooling_says_the_same_and_leaves_nothing() {
    for prepared in [0, 200] {
        let mut lab = lab();
        // One server process for all: whatever is left in it, the next client has.
        let settings = format!(
            "pool_mode = transaction\ndefault_pool_size = 1\nmax_prepared_statements = {prepared}"
        );
        let Some(pooler) = Pooler::start(&lab, &LOGGED, &settings) else {
            return;
        };
        let verbs: [&[&str]; 6] = [
            &["status"],
            &["verify"],
            &["migrate", "--dry-run"],
            &["repair", "--service", "a", "--dry-run"],
            &["baseline", "--service", "a", "--dry-run"],
            &["rollback", "--service", "a", "--target", "2", "--dry-run"],
        ];
        let asked = |lab: &Lab, verb: &[&str]| -> Run {
            let mut args = verb.to_vec();
            args.extend(["--format", "json"]);
            lab.run(&args)
        };
        let direct: Vec<Run> = verbs.iter().map(|verb| asked(&lab, verb)).collect();
        let through = pooler.through(&lab.url("a", "a"));
        let before = found_by_others(lab.bin(), &through);
        pooler.put_in_front_of(&mut lab);
        for (verb, direct) in verbs.iter().zip(&direct) {
            let pooled = asked(&lab, verb);
            assert_eq!(pooled.code, direct.code, "{verb:?}: {}", pooled.all());
            assert_eq!(
                plain(&pooled, pooler.port),
                plain(direct, LOGGED.port()),
                "{verb:?}"
            );
            assert_eq!(
                pooled.all().contains("identity/pooler"),
                *verb == ["verify"]
            );
            // Two that could not look would be alike as well.
            assert!(pooled.all().contains("\"server_version\": \"17") || verb.len() > 1);
            assert!(
                !pooled.all().contains("\"outcome\": \"unreachable\""),
                "{}",
                pooled.all()
            );
        }
        // The same process as before, so that what was left behind would be seen.
        assert_eq!(found_by_others(lab.bin(), &through), before);
        assert!(
            before.contains("default_transaction_read_only = off"),
            "{before}"
        );
        assert!(before.contains("0 prepared\n0 advisory"), "{before}");
    }
}

#[test]
fn nobody_stays_in_template1_behind_a_pooler() {
    let mut lab = lab();
    for mode in ["session", "transaction"] {
        let settings = format!("pool_mode = {mode}\ndefault_pool_size = 3");
        let Some(pooler) = Pooler::start(&lab, &LOGGED, &settings) else {
            return;
        };
        pooler.put_in_front_of(&mut lab);
        let run = lab.run(&["verify"]).says("identity/pooler");
        assert!(!run.all().contains("template1"), "{}", run.all());
        // The pooler would keep the process for ten minutes; other tests' commands are there for a moment.
        until("nobody is in template1", Duration::from_secs(20), || {
            let there = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'template1'";
            lab.sql("postgres", there) == "0"
        });
    }
}

#[test]
fn what_a_pooler_does_not_lead_to_is_not_checked() {
    let mut lab = lab();
    let direct = lab.admin_url("a");
    let Some(pooler) = Pooler::start_for(&lab, &LOGGED, &lab.db("a"), "pool_mode = session") else {
        return;
    };
    pooler.put_in_front_of(&mut lab);
    let report = lab.json(&["verify"], 4);
    let gaps = report["not_checked"].as_array().unwrap();
    for database in ["template1", "postgres"] {
        let of_it = |gap: &&Value| {
            gap["rule"] == "bleed/common-database"
                && gap["reason"].as_str().unwrap().contains(database)
        };
        let gap = gaps
            .iter()
            .find(of_it)
            .unwrap_or_else(|| panic!("{database}: {gaps:#?}"));
        let reason = gap["reason"].as_str().unwrap();
        assert!(
            reason.contains("the pooler in front of the server has no entry for it"),
            "{gap}"
        );
        assert!(
            gap["remedy"].as_str().unwrap().contains("[databases]"),
            "{gap}"
        );
    }
    // The server's own address for the administrator is enough.
    lab.env.insert("A_ADMIN".to_owned(), direct);
    let run = lab.run(&["verify", "--format", "json"]);
    assert!(!run.out.contains("no entry for it"), "{}", run.out);
}

#[test]
fn a_pooler_that_knows_another_password_is_told_as_such() {
    let mut lab = lab();
    for mode in ["scram-sha-256", "md5"] {
        // PgBouncer takes the last word.
        let settings = format!("pool_mode = session\nauth_type = {mode}");
        let Some(pooler) = Pooler::start(&lab, &LOGGED, &settings) else {
            return;
        };
        pooler.put_in_front_of(&mut lab);
        let right = lab.env.get("A_URL").unwrap().clone();
        let (role, place) = (lab.db("a"), right.rsplit_once('@').unwrap().1);
        let wrong = format!("postgresql://{role}:wrong@{place}");
        lab.env.insert("A_URL".to_owned(), wrong);
        lab.run(&["status"])
            .exits(4)
            .says("authentication failed")
            .says("check role and password")
            .says("auth_file");
        lab.env.insert("A_URL".to_owned(), right);
        lab.run(&["status"]).exits(0);
    }
}

#[test]
fn several_readers_share_a_pool_of_transactions() {
    for prepared in [0, 200] {
        let mut lab = lab();
        let settings = format!(
            "pool_mode = transaction\ndefault_pool_size = 2\nmax_prepared_statements = {prepared}"
        );
        let Some(pooler) = Pooler::start(&lab, &LOGGED, &settings) else {
            return;
        };
        // A statement that another program forgot, under the name that dbctl's driver would begin with.
        if prepared == 0 {
            let through = pooler.through(&lab.url("a", "a"));
            let forgot = "PREPARE s0 AS SELECT 1; PREPARE s1 AS SELECT 1;";
            psql(lab.bin(), &through, forgot).unwrap();
        }
        pooler.put_in_front_of(&mut lab);
        let runs: Vec<_> = (0..6)
            .map(|index| {
                let mut command = dbctl(lab.path());
                let verb = if index % 2 == 0 { "status" } else { "verify" };
                command.args([verb, "--format", "json"]).envs(&lab.env);
                std::thread::spawn(move || finish(command))
            })
            .collect();
        let runs: Vec<Run> = runs.into_iter().map(|run| run.join().unwrap()).collect();
        for (index, run) in runs.iter().enumerate() {
            assert_eq!(run.code, runs[index % 2].code, "{}", run.all());
            assert!(!run.all().contains("already exists"), "{}", run.all());
            assert!(!run.all().contains("does not exist"), "{}", run.all());
            assert_eq!(
                run.json()["summary"]["error"].as_u64().unwrap_or(0),
                0,
                "{}",
                run.all()
            );
        }
        assert_eq!(runs[0].code, 0, "{}", runs[0].all());
    }
}

#[test]
fn a_failed_query_does_not_break_the_next() {
    let lab = lab();
    let settings = "pool_mode = transaction\ndefault_pool_size = 1";
    let Some(pooler) = Pooler::start(&lab, &LOGGED, settings) else {
        return;
    };
    let role = lab.db("a");
    lab.sql("a", &format!("ALTER TABLE dbctl.identity OWNER TO postgres; REVOKE ALL ON dbctl.identity FROM \"{role}\""));
    let endpoint = Endpoint::parse(&pooler.through(&lab.url("a", "a"))).unwrap();
    wait_for(async {
        let session = connect(&endpoint, Purpose::Read, "test").await.unwrap();
        assert!(session.pooled());
        inspect::marks(&session).await.unwrap_err();
        let abilities = inspect::abilities(&session).await.unwrap();
        assert_eq!(abilities.major, 17);
        let pid = session.backend_pid().await.unwrap();
        session.close().await;
        // Handed back in order, the process serves the next client.
        let next = connect(&endpoint, Purpose::Read, "test").await.unwrap();
        assert_eq!(next.pid(), pid);
        next.close().await;
        let direct = Endpoint::parse(&lab.url("a", "a")).unwrap();
        let session = connect(&direct, Purpose::Write, "test").await.unwrap();
        assert!(!session.pooled());
        assert_eq!(session.backend_pid().await.unwrap(), session.pid());
    });
}

#[test]
fn writing_through_transaction_pooling_is_refused_and_through_session_pooling_works() {
    let mut lab = lab();
    lab.write(
        "sql/a/V5__five.sql",
        "CREATE TABLE a_five (a int PRIMARY KEY);\n",
    );
    for settings in [
        "pool_mode = transaction\ndefault_pool_size = 1",
        "pool_mode = transaction\ndefault_pool_size = 2",
        // Here two clients that ask strictly in turns seem to have a process each.
        "pool_mode = transaction\ndefault_pool_size = 2\nmin_pool_size = 2\nserver_round_robin = 1",
        "pool_mode = transaction\ndefault_pool_size = 3\nmin_pool_size = 3\nserver_round_robin = 1",
        "pool_mode = statement\ndefault_pool_size = 2",
    ] {
        let Some(pooler) = Pooler::start(&lab, &LOGGED, settings) else {
            return;
        };
        let endpoint = Endpoint::parse(&pooler.through(&lab.url("a", "a"))).unwrap();
        let error = wait_for(connect(&endpoint, Purpose::Write, "test"))
            .err()
            .unwrap_or_else(|| panic!("{settings}: not refused"));
        assert_eq!(error.reason, Reason::Refused, "{settings}: {error}");
        assert!(
            error.message.contains("transaction or statement pooling"),
            "{settings}: {error}"
        );
        pooler.put_in_front_of(&mut lab);
        let run = lab.run(&["migrate"]).exits(4);
        let run = run.says("pool_mode = session").says("PostgreSQL itself");
        if settings.contains("transaction") {
            run.says("pooler");
            lab.run(&["provision"]).exits(4).says("pooler");
        }
        assert_eq!(
            lab.sql("a", "SELECT to_regclass('public.a_five') IS NULL"),
            "t"
        );
    }

    let Some(pooler) = Pooler::start(&lab, &LOGGED, "pool_mode = session\ndefault_pool_size = 1")
    else {
        return;
    };
    pooler.put_in_front_of(&mut lab);
    lab.run(&["migrate"])
        .exits(4)
        .says("cannot be told")
        .says("within 2 s");
    drop(pooler);

    let Some(pooler) = Pooler::start(&lab, &LOGGED, "pool_mode = session\ndefault_pool_size = 9")
    else {
        return;
    };
    pooler.put_in_front_of(&mut lab);
    lab.edit(
        &format!("port = {}", LOGGED.port()),
        &format!("port = {}", pooler.port),
    );
    lab.run(&["migrate"]).exits(0).says("V5__five");
    lab.run(&["provision"]).exits(0);
    lab.run(&["status"]).exits(0);
    let seen = found_by_others(lab.bin(), &pooler.through(&lab.url("a", "a")));
    assert!(seen.contains("search_path = \"$user\", public"), "{seen}");
    assert!(seen.contains("0 prepared\n0 advisory"), "{seen}");
}

#[test]
fn a_pooler_that_enters_as_somebody_else_or_elsewhere_is_not_written_through() {
    let mut lab = lab();
    let role = lab.db("a");
    lab.write(
        "sql/a/V5__five.sql",
        "CREATE TABLE a_five (a int PRIMARY KEY);\n",
    );
    let admin = Endpoint::parse(&lab.admin_url("a")).unwrap();
    let other = format!("{role}_other");
    lab.sql("postgres", &format!("CREATE DATABASE \"{other}\""));
    let verbs: [&[&str]; 4] = [
        &["migrate", "--dry-run"],
        &["migrate"],
        &["provision"],
        &["repair", "--service", "a"],
    ];
    // A database's line comes after that of all others.
    let line = |what: &str| {
        let port = LOGGED.port();
        format!("pool_mode = session\n[databases]\n{role} = host=127.0.0.1 port={port} {what}")
    };

    let password = admin.password.as_ref().unwrap().expose();
    let settings = line(&format!("user={} password={password}", admin.user));
    let Some(pooler) = Pooler::start(&lab, &LOGGED, &settings) else {
        return;
    };
    pooler.put_in_front_of(&mut lab);
    for verb in verbs {
        lab.run(verb)
            .exits(4)
            .says("the connection ends in role postgres")
            .says("take user= out");
    }
    lab.run(&["status"]).exits(0).says("V5");
    drop(pooler);

    let Some(pooler) = Pooler::start(&lab, &LOGGED, &line(&format!("dbname={other}"))) else {
        return;
    };
    let before = "SELECT coalesce(nspacl::text, '-') FROM pg_namespace WHERE nspname = 'public'";
    let url = lab.admin_url("a").replace(&role, &other);
    let acl = psql(lab.bin(), &url, before).unwrap();
    pooler.put_in_front_of(&mut lab);
    lab.run(&["provision"])
        .exits(4)
        .says(&format!("the connection ends in database {other}"))
        .says("take dbname= out");
    lab.run(&["provision", "--dry-run"])
        .exits(4)
        .says("take dbname= out");
    assert_eq!(psql(lab.bin(), &url, before).unwrap(), acl);
    assert_eq!(
        lab.sql("a", "SELECT to_regclass('public.a_five') IS NULL"),
        "t"
    );
}

/// Runs the future to its end.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
