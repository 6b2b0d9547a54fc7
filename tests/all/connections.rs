//! The ways to a server as people have them: several hosts, sockets, IPv6, password files, servers that are not there yet.

use std::net::{Ipv6Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dbctl::manifest::Endpoint;
use dbctl::postgres::{Purpose, Reason, connect, connect_patiently};
use dbctl::sandbox::{Server, ServerOptions};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::lab::{CANARY, LOGGED, Lab, binaries, finish, psql, start};
use crate::poolers::wait_for;
use crate::sandbox::until;

/// One service `a` in this server, provisioned and migrated.
pub(crate) fn lab(server: &Server) -> Lab {
    let mut lab = Lab::on(server, "postgres");
    lab.own_services(&["a"]);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

/// A port that nobody listens on.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port()
}

/// The URL of service `a` at this place, which may go on with parameters.
pub(crate) fn url(lab: &Lab, hosts: &str, parameters: &str) -> String {
    let password = utf8_percent_encode(CANARY, NON_ALPHANUMERIC);
    let name = lab.db("a");
    format!("postgresql://{name}:{password}@{hosts}/{name}{parameters}")
}

pub(crate) fn with_url(lab: &mut Lab, hosts: &str, parameters: &str) {
    let url = url(lab, hosts, parameters);
    lab.env.insert("A_URL".to_owned(), url);
}

#[test]
fn hosts_are_tried_in_order_and_the_error_tells_about_all() {
    let mut lab = lab(&LOGGED);
    let (right, dead) = (LOGGED.port(), closed_port());
    // It accepts and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = silent.local_addr().unwrap().port();

    for hosts in [
        format!("127.0.0.1:{dead},127.0.0.1:{right}"),
        format!("no-such-host.invalid,127.0.0.1:{right}"),
        // Both of its addresses are tried: the server listens on one.
        format!("localhost:{right}"),
    ] {
        with_url(&mut lab, &hosts, "");
        lab.run(&["status"]).exits(0);
    }
    with_url(
        &mut lab,
        &format!("127.0.0.1:{mute},127.0.0.1:{right}"),
        "?connect_timeout=1",
    );
    let begun = Instant::now();
    lab.run(&["status"]).exits(0);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let hosts = format!("127.0.0.1:{dead},no-such-host.invalid:7,127.0.0.1:{mute}");
    with_url(&mut lab, &hosts, "");
    lab.env
        .insert("PGCONNECT_TIMEOUT".to_owned(), "1".to_owned());
    lab.run(&["status"])
        .exits(4)
        .says(&format!(
            "127.0.0.1:{dead}: error connecting to server: Connection refused"
        ))
        .says("no-such-host.invalid:7: this name has no address")
        .says(&format!("127.0.0.1:{mute}: no answer within 1 s"))
        .says("check that the server runs");
    lab.run(&["services"])
        .exits(0)
        .says("environment PGCONNECT_TIMEOUT");
    lab.env.remove("PGCONNECT_TIMEOUT");

    // A server that says no is the right one: the next host is not asked.
    let wrong = url(&lab, &format!("127.0.0.1:{right},127.0.0.1:{dead}"), "").replacen(
        &lab.db("a"),
        "nobody_of_this_name",
        1,
    );
    lab.env.insert("A_URL".to_owned(), wrong);
    lab.edit(&format!("role = \"{}\"\n", lab.db("a")), "");
    let run = lab
        .run(&["status"])
        .exits(4)
        .says("password authentication failed");
    assert!(!run.all().contains("Connection refused"), "{}", run.all());
    drop(silent);
}

#[test]
fn sockets_and_ipv6_lead_to_the_server() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let sockets = folder.path().to_str().unwrap();
    let server = start(
        &binaries(17, false).unwrap(),
        false,
        &[
            ("unix_socket_directories", sockets),
            (
                "listen_addresses",
                if six { "127.0.0.1,::1" } else { "127.0.0.1" },
            ),
        ],
    );
    let mut lab = lab(&server);
    let port = server.port();
    let encoded = utf8_percent_encode(sockets, NON_ALPHANUMERIC).to_string();
    let mut ways = vec![
        (format!("{encoded}:{port}"), String::new()),
        (String::new(), format!("?host={sockets}&port={port}")),
        // libpq knows no TLS on sockets and ignores the mode.
        (format!("{encoded}:{port}"), "?sslmode=require".to_owned()),
    ];
    if six {
        ways.push((format!("[::1]:{port}"), String::new()));
        ways.push((
            format!("[::1]:{},[::1]:{port}", closed_port()),
            String::new(),
        ));
    } else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no ::1, and CI skips nothing"
        );
        eprintln!("SKIPPED: this machine has no ::1");
    }
    for (hosts, parameters) in ways {
        with_url(&mut lab, &hosts, &parameters);
        lab.run(&["status"]).exits(0);
        lab.run(&["migrate"]).exits(0);
    }
    // Role, password and database as parameters alone.
    let name = lab.db("a");
    let password = utf8_percent_encode(CANARY, NON_ALPHANUMERIC);
    let url =
        format!("postgresql:///{name}?host={sockets}&port={port}&user={name}&password={password}");
    lab.env.insert("A_URL".to_owned(), url);
    lab.run(&["status"]).exits(0);
    with_url(&mut lab, &format!("%2Fnonexistent:{port}"), "");
    lab.run(&["status"])
        .exits(4)
        .says("/nonexistent")
        .says("No such file");
}

#[test]
fn whoever_waits_is_not_ended_for_being_idle() {
    let lab = lab(&LOGGED);
    let role = lab.db("a");
    lab.sql(
        "postgres",
        &format!("ALTER ROLE \"{role}\" SET idle_session_timeout = '300ms'"),
    );
    lab.write("sql/a/V5__five.sql", "CREATE TABLE a_five (a int);\n");
    let (bin, admin) = (lab.bin().to_owned(), lab.admin_url("a"));
    let holding = std::thread::spawn(move || {
        // The runners' lock: "dbctl" as a number.
        let hold = "SELECT pg_advisory_lock(x'646263746c'::bigint), pg_sleep(3)";
        psql(&bin, &admin, hold).unwrap();
    });
    until("the lock is held", Duration::from_secs(20), || {
        lab.sql("a", "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()") == "1"
    });
    lab.run(&["migrate"])
        .exits(0)
        .says("waits for another runner");
    holding.join().unwrap();
}

#[test]
fn a_report_larger_than_files_may_be_is_an_error_and_leaves_nothing() {
    let lab = lab(&LOGGED);
    let mut command = std::process::Command::new("sh");
    let limited = "ulimit -f 1; exec \"$0\" verify -q --output r.html";
    command
        .args(["-c", limited, env!("CARGO_BIN_EXE_dbctl")])
        .current_dir(lab.path())
        .envs(&lab.env);
    finish(command).exits(4).says("r.html cannot be written");
    let left: Vec<_> = std::fs::read_dir(lab.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("html") || name.starts_with(".dbctl"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Writes a password file with this mode and lets the lab use it.
fn password_file(lab: &mut Lab, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = lab.write(name, text);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_password_comes_from_the_password_file() {
    let mut lab = lab(&LOGGED);
    lab.without_admin();
    let (name, port) = (lab.db("a"), LOGGED.port());
    let escaped = CANARY.replace('\\', "\\\\").replace(':', "\\:");
    let entry = format!(
        "# mine\nelsewhere:*:*:*:wrong\n127.0.0.1:{port}:*:{name}:{escaped}\n*:*:*:*:wrong\n"
    );
    lab.env.remove("A_PW");

    // Without a file.
    lab.env
        .insert("HOME".to_owned(), lab.path().display().to_string());
    lab.run(&["status"]).exits(4).says("A_PW is not set");
    // From the home directory, for the parts and for a URL.
    let path = password_file(&mut lab, ".pgpass", &entry, 0o600);
    lab.run(&["status"]).exits(0);
    lab.run(&["services"])
        .exits(0)
        .says(&format!("{}:3", path.display()));
    lab.env.insert(
        "A_URL".to_owned(),
        format!("postgresql://{name}@127.0.0.1:{port}/{name}"),
    );
    lab.run(&["status"]).exits(0);
    lab.run(&["migrate"]).exits(0);
    let services = lab.json(&["services"], 0);
    let values = services["services"][0]["values"].as_array().unwrap();
    let row = values.iter().find(|row| row["key"] == "password").unwrap();
    assert_eq!(row["value"], "***");
    assert_eq!(row["source"], format!("password file {}:3", path.display()));
    // What the manifest's variable gives is nearer.
    lab.env.remove("A_URL");
    lab.env.insert("A_PW".to_owned(), "wrong".to_owned());
    let run = lab.run(&["status"]).exits(4);
    assert!(!run.all().contains(".pgpass"), "{}", run.all());
    lab.env.remove("A_PW");

    // Open to others: ignored, and said.
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    for verb in ["status", "services"] {
        let code = if verb == "status" { 4 } else { 0 };
        let run = lab.run(&[verb]).exits(code);
        let text = run.all().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains("mode is 0644") && text.contains("chmod 600"),
            "{text}"
        );
    }
    // PGPASSFILE wins over the home directory; relative to the working directory.
    password_file(
        &mut lab,
        "other",
        "not an entry c4nary\n*:*:*:*:wr\\:ong\n",
        0o600,
    );
    lab.env.insert("PGPASSFILE".to_owned(), "other".to_owned());
    lab.run(&["status"])
        .exits(4)
        .says("password authentication failed")
        .says("other:2; the password is wrong")
        .says("mend line 2 of ")
        .says("PASSWORD '…' (dbctl provision --service a sets none that is in a password file)");
    password_file(&mut lab, "other", "not an entry c4nary\n", 0o600);
    lab.run(&["status"])
        .exits(4)
        .says(&format!(
            "has no password for 127.0.0.1:{port}:{name}:{name}"
        ))
        .says("line 1 is not HOST:PORT:DATABASE:ROLE:PASSWORD");
    lab.env
        .insert("PGPASSFILE".to_owned(), "missing".to_owned());
    lab.run(&["status"])
        .exits(4)
        .says("was not used")
        .says("No such file");
    // The URL's own wins over both.
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let url = |file: &str| format!("postgresql://{name}@127.0.0.1:{port}/{name}?passfile={file}");
    lab.env.insert("A_URL".to_owned(), url(".pgpass"));
    lab.run(&["status"]).exits(0);
    lab.run(&["services"])
        .exits(0)
        .says(&format!("{}:3", path.display()));
    lab.env.insert("A_URL".to_owned(), url("nothing"));
    lab.run(&["status"])
        .exits(4)
        .says("nothing was not used: it cannot be read: No such file");
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for_when_told() {
    let port = closed_port();
    let endpoint = Endpoint::parse(&format!(
        "postgresql://postgres:x@127.0.0.1:{port}/postgres"
    ))
    .unwrap();
    let error = wait_for(connect(&endpoint, Purpose::Read, "test"))
        .err()
        .unwrap();
    assert!(!error.message.contains("gave up"), "{error}");
    let begun = Instant::now();
    let limit = Duration::from_secs(2);
    let error = wait_for(connect_patiently(&endpoint, Purpose::Read, "test", limit))
        .err()
        .unwrap();
    assert!(begun.elapsed() >= limit);
    assert_eq!(error.reason, Reason::Unreachable);
    assert!(error.message.contains("gave up after 2 s"), "{error}");

    let starting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        let mut options = ServerOptions::new("late", dbctl::secret::Secret::new("x"));
        options.port = Some(port);
        Server::start(&binaries(17, false).unwrap(), &options).unwrap()
    });
    let limit = Duration::from_secs(60);
    let session = wait_for(connect_patiently(&endpoint, Purpose::Read, "test", limit)).unwrap();
    assert!(session.server_version().starts_with("17"));
    drop(session);
    starting.join().unwrap().stop().unwrap();
}
