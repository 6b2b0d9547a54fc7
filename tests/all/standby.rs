//! A real streaming replica: while it starts, and when it is asked to write.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dbctl::manifest::Endpoint;
use dbctl::postgres::{ConnectError, Purpose, Reason, connect, inspect, standby};
use dbctl::sandbox::Server;

use crate::connections::{closed_port, lab, url, with_url};
use crate::lab::{binaries, psql, start};
use crate::poolers::wait_for;
use crate::sandbox::until;

/// A streaming replica of a server.
pub struct Replica {
    child: Child,
    pub port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Replica {
    fn drop(&mut self) {
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap()),
            nix::sys::signal::Signal::SIGQUIT,
        )
        .ok();
        self.child.wait().ok();
    }
}

impl Replica {
    /// One whose start waits for the file `go`.
    pub fn of(server: &Server) -> Self {
        Self::made(server, true)
    }

    /// One that starts at once, with no setting but those that streaming needs.
    pub fn streaming(server: &Server) -> Self {
        Self::made(server, false)
    }

    fn made(server: &Server, waits: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = std::fs::metadata(server.data_dir()).unwrap();
        std::os::unix::fs::chown(folder.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        let program = |name: &str| {
            let mut command = Command::new(server.bin().join(name));
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .current_dir("/");
            if nix::unistd::Uid::effective().is_root() {
                command.uid(owner.uid()).gid(owner.gid());
            }
            command
        };
        let data = folder.path().join("data");
        let copied = program("pg_basebackup")
            .arg("-R")
            .args(["-X", "stream", "-c", "fast", "-D"])
            .arg(&data)
            .args(["-d", server.admin_url("postgres").expose()])
            .status()
            .unwrap();
        assert!(copied.success());
        let port = closed_port();
        let wait = format!(
            "restore_command=while [ ! -e {} ]; do sleep 0.1; done; false",
            folder.path().join("go").display()
        );
        let mut command = program("postgres");
        command.arg("-D").arg(&data);
        for setting in [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=300".to_owned(),
            "max_worker_processes=200".to_owned(),
        ]
        .into_iter()
        .chain(waits.then_some(wait))
        {
            command.args(["-c", &setting]);
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        Self {
            child: command.stderr(log).spawn().unwrap(),
            port,
            folder,
        }
    }

    /// Lets it start, and waits until it answers.
    pub fn go(&self, bin: &Path, url: &str) {
        self.let_go();
        until("the replica answers", Duration::from_secs(60), || {
            psql(bin, url, "SELECT pg_is_in_recovery()").is_ok_and(|said| said == "t")
        });
    }

    /// What its server has logged.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn let_go(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }
}

#[test]
fn a_server_that_starts_is_waited_for_and_a_standby_takes_no_writes() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let mut lab = lab(&server);
    lab.write(
        "sql/a/V5__five.sql",
        "CREATE TABLE a_five (a int PRIMARY KEY);\n",
    );
    let replica = Replica::of(&server);
    let (first, second) = (replica.port, server.port());
    let at_replica = url(&lab, &format!("127.0.0.1:{first}"), "");
    until(
        "the replica says that it starts",
        Duration::from_secs(60),
        || {
            psql(lab.bin(), &at_replica, "SELECT 1").is_err_and(|said| {
                said.contains("starting up") || said.contains("not yet accepting")
            })
        },
    );

    // Starting: the next host serves at once, alone it is waited for, and an interrupt ends the wait.
    with_url(
        &mut lab,
        &format!("127.0.0.1:{first},127.0.0.1:{second}"),
        "",
    );
    lab.run(&["status"]).exits(0).says("V5");
    lab.env.insert("A_URL".to_owned(), at_replica.clone());
    let begun = Instant::now();
    let mut waiting = lab
        .command(&["migrate"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(waiting.try_wait().unwrap().is_none(), "it did not wait");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(waiting.id().try_into().unwrap()),
        nix::sys::signal::Signal::SIGINT,
    )
    .unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(30));
    let status = lab
        .command(&["status"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    replica.go(lab.bin(), &at_replica);
    let output = status.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    // Reading verbs read there; writing ones say where the primary is, if the role or the administrator may know.
    lab.run(&["status"]).exits(0).says("V5");
    let admin_there = lab
        .admin_url("a")
        .replace(&format!(":{second}/"), &format!(":{first}/"));
    let said = "the server is a standby, which takes no writes: give the URL of its primary";
    let primary = format!("the standby follows 127.0.0.1:{second}");
    let run = lab.run(&["migrate"]).exits(4).says(said);
    assert!(!run.all().contains("follows"), "{}", run.all());
    lab.env.insert("A_ADMIN".to_owned(), admin_there.clone());
    lab.run(&["migrate"]).exits(4).says(said).says(&primary);
    lab.sql(
        "postgres",
        &format!("GRANT pg_read_all_stats TO \"{}\"", lab.db("a")),
    );
    lab.env.remove("A_ADMIN");
    until("the grant is there", Duration::from_secs(60), || {
        lab.run(&["migrate"]).all().contains(&primary)
    });
    let password = server.admin_url("postgres");
    let password = Endpoint::parse(password.expose())
        .unwrap()
        .password
        .unwrap();
    lab.env.insert("A_ADMIN".to_owned(), admin_there.clone());
    lab.edit(&format!("port = {second}"), &format!("port = {first}"));
    lab.env.remove("A_URL");
    lab.run(&["provision", "--dry-run"]).exits(4).says(&primary);
    let run = lab.run(&["provision"]).exits(4).says(&primary);
    assert!(!run.all().contains(password.expose()));

    // The setting is enough where the receiver does not run.
    lab.sql("postgres", "SELECT 1");
    let admin = Endpoint::parse(&admin_there).unwrap();
    wait_for(async {
        let session = connect(&admin, Purpose::Read, "test").await.unwrap();
        let told = standby::standby_of(&session).await.unwrap();
        assert_eq!(told, Some(format!("127.0.0.1:{second}")));
        session.close().await;
        let error = connect(&admin, Purpose::Write, "test").await.err().unwrap();
        assert_eq!(error.reason, Reason::Refused);
        assert!(error.message.contains(&primary), "{error}");
    });

    // target_session_attrs, the standby first.
    let both = format!("127.0.0.1:{first},127.0.0.1:{second}");
    let backwards = format!("127.0.0.1:{second},127.0.0.1:{first}");
    for (hosts, attrs, lands) in [
        (&both, "any", true),
        (&both, "primary", false),
        (&both, "read-write", false),
        (&backwards, "standby", true),
        (&backwards, "read-only", true),
        (&backwards, "prefer-standby", true),
        (&backwards, "any", false),
    ] {
        let parameters = format!("?target_session_attrs={attrs}");
        let endpoint = Endpoint::parse(&url(&lab, hosts, &parameters)).unwrap();
        let reading = wait_for(at_standby(&endpoint, Purpose::Read)).map_err(|error| error.message);
        assert_eq!(reading, Ok(lands), "{attrs}");
        match wait_for(at_standby(&endpoint, Purpose::Write)) {
            Ok(at_standby) => assert!(!at_standby, "{attrs}"),
            Err(error) => {
                assert!(attrs == "standby" || attrs == "read-only" || attrs == "prefer-standby");
                assert!(error.message.contains("takes no writes"), "{error}");
                assert!(error.message.contains(attrs), "{error}");
            }
        }
    }
    let alone = format!("127.0.0.1:{second}");
    let lonely =
        Endpoint::parse(&url(&lab, &alone, "?target_session_attrs=prefer-standby")).unwrap();
    assert!(!wait_for(at_standby(&lonely, Purpose::Read)).unwrap());
    let lonely = Endpoint::parse(&url(&lab, &alone, "?target_session_attrs=standby")).unwrap();
    let error = wait_for(at_standby(&lonely, Purpose::Read)).unwrap_err();
    assert!(
        error.message.contains("the server is no standby"),
        "{error}"
    );
    with_url(&mut lab, &both, "?target_session_attrs=primary");
    lab.run(&["migrate"]).exits(0).says("V5");

    // What writes passes over the standby, in its looks as well.
    lab.write("sql/a/V6__six.sql", "CREATE TABLE a_six (a int);\n");
    with_url(&mut lab, &both, "");
    lab.run(&["migrate", "--dry-run"]).exits(0).says("V6");
    lab.run(&["migrate"]).exits(0).says("migrated");
    lab.run(&["repair", "--service", "a", "--dry-run"]).exits(0);

    // Alone it is refused by every verb that writes, with one exit code, also where nothing is to be done.
    lab.write("sql/a/V6__six.down.sql", "DROP TABLE a_six;\n");
    lab.run(&["lock", "-q"]).exits(0);
    lab.env.insert("A_URL".to_owned(), at_replica);
    let replayed = "SELECT to_regclass('a_six') IS NOT NULL";
    until(
        "the replica has the last migration",
        Duration::from_secs(20),
        || psql(lab.bin(), lab.env.get("A_URL").unwrap(), replayed).is_ok_and(|said| said == "t"),
    );
    lab.run(&["status"]).exits(0).says("up to date");
    let verbs: [&[&str]; 9] = [
        &["migrate"],
        &["migrate", "--dry-run"],
        &["baseline", "--service", "a"],
        &["baseline", "--service", "a", "--dry-run"],
        &["repair", "--service", "a"],
        &["repair", "--service", "a", "--dry-run"],
        &["rollback", "--service", "a", "--target", "5"],
        &["rollback", "--service", "a", "--target", "6"],
        &["rollback", "--service", "a", "--target", "5", "--dry-run"],
    ];
    for verb in verbs {
        let run = lab.run(verb).exits(4).says(said);
        assert!(run.all().contains(&primary), "{verb:?}: {}", run.all());
    }
}

#[test]
fn a_commit_that_waits_for_a_standby_says_so_and_an_interrupt_ends_the_wait() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let lab = lab(&server);
    lab.sql(
        "postgres",
        "ALTER SYSTEM SET synchronous_standby_names = 'away'; SELECT pg_reload_conf()",
    );
    until("the server waits for it", Duration::from_secs(60), || {
        lab.sql("postgres", "SHOW synchronous_standby_names") == "away"
    });
    // The test's server does without.
    let database = lab.db("a");
    let on = format!("ALTER DATABASE \"{database}\" SET synchronous_commit = on");
    lab.sql("postgres", &on);
    // In a transaction, and one that runs statement by statement.
    for (version, sql, expected) in [
        (6, "CREATE TABLE a_six (a int);", 0),
        (
            8,
            "CREATE INDEX CONCURRENTLY a_six_a ON a_six (a);\nCREATE INDEX CONCURRENTLY a_six_b ON a_six (a, a);",
            130,
        ),
    ] {
        lab.write(&format!("sql/a/V{version}__more.sql"), format!("{sql}\n"));
        let mut waiting = lab
            .command(&["migrate"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(waiting.stderr.take().unwrap()).lines();
        let mut before = Vec::new();
        let told = said
            .by_ref()
            .map(Result::unwrap)
            .inspect(|line| before.push(line.clone()))
            .find(|line| line.contains("waits until its standbys have it"))
            .unwrap_or_default();
        assert!(!told.is_empty(), "V{version}: {before:?}");
        assert!(
            told.contains("synchronous_standby_names = 'away'"),
            "{told}"
        );
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(waiting.id().try_into().unwrap()),
            nix::sys::signal::Signal::SIGINT,
        )
        .unwrap();
        let mut out = String::new();
        waiting
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        let code = waiting.wait().unwrap().code();
        let rest: Vec<String> = said.map(Result::unwrap).collect();
        assert_eq!(code, Some(expected), "{out}{rest:?}");
        if expected == 0 {
            assert!(out.contains("they may not have it yet"), "{out}{rest:?}");
        }
    }
    lab.sql(
        "postgres",
        "ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()",
    );
    until("the server waits no more", Duration::from_secs(60), || {
        lab.sql("postgres", "SHOW synchronous_standby_names")
            .is_empty()
    });
    lab.run(&["migrate"]).exits(0);
    lab.run(&["status"]).exits(0).says("up to date");
}

/// Whether a session ends up at the standby.
async fn at_standby(endpoint: &Endpoint, purpose: Purpose) -> Result<bool, ConnectError> {
    let session = connect(endpoint, purpose, "test").await?;
    let abilities = inspect::abilities(&session).await.unwrap();
    session.close().await;
    Ok(abilities.standby)
}
