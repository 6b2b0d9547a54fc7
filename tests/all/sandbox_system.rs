//! The whole system in a sandbox: servers, environment, commands, signals, up and down.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dbctl::command::sandbox::{DownOptions, RunOptions, SandboxOptions, UpOptions, down, run, up};
use dbctl::manifest::{
    Endpoint, Host, Managed, Manifest, Service, SessionAttrs, Source, Sourced, SslMode, Store,
    Target, Topology,
};
use dbctl::sandbox::{SandboxError, System, SystemOptions, find};
use dbctl::secret::Secret;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::sandbox::{again, ask, open_to_all, until};

fn built_in<T>(value: T) -> Option<Sourced<T>> {
    Some(Sourced {
        value,
        source: Source::BuiltIn,
    })
}

fn variables(list: &[(&'static str, &[&str])]) -> Vec<(&'static str, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    list.iter()
        .map(|(key, names)| (*key, owned(names)))
        .collect()
}

fn service(name: &str, store: Store, database: Option<&str>) -> Service {
    Service {
        name: name.to_owned(),
        line: 1,
        store,
        managed: Managed::Dbctl,
        set: None,
        set_dir: None,
        lock_file: None,
        database: database.and_then(|database| built_in(database.to_owned())),
        role: None,
        target: Target::Files,
        admin: None,
        container: None,
        app: None,
        storage_dir: None,
        data_dir: None,
        engine: None,
        shown: Vec::new(),
        variables: Vec::new(),
        default_password: false,
    }
}

fn at(host: &str, port: u16, role: &str, database: &str) -> Target {
    Target::Database(Sourced {
        value: Endpoint {
            password_source: None,
            hosts: vec![Host {
                name: host.to_owned(),
                port,
            }],
            user: role.to_owned(),
            password: Some(Secret::new("published")),
            database: database.to_owned(),
            ssl_mode: SslMode::Prefer,
            ssl_root_cert: None,
            client_certificate: None,
            connect_timeout: None,
            options: None,
            session_attrs: SessionAttrs::Any,
            channel_binding: dbctl::manifest::ChannelBinding::Prefer,
            password_file: None,
            service: None,
        },
        source: Source::BuiltIn,
    })
}

/// An indexer, a file store and an RGB node, as in the built-in manifest.
fn manifest(port: u16) -> Manifest {
    let mut indexer = service("k-indexer", Store::TimescaleDb, Some("ksocial"));
    indexer.role = built_in("k_social_user".to_owned());
    indexer.container = built_in("k-social-db".to_owned());
    indexer.target = at("localhost", port, "k_social_user", "ksocial");
    indexer.variables = variables(&[
        ("port", &["K_PORT"]),
        ("password", &["K_PASSWORD"]),
        ("url", &["K_URL"]),
        ("admin_url", &["K_ADMIN_URL"]),
    ]);
    let mut kasia = service("kasia-indexer", Store::Files, None);
    kasia.variables = variables(&[("data_dir", &["KASIA_DATA_DIR"])]);
    let mut rgb = service("rgb-lightning-node", Store::Postgres, Some("rgb_node"));
    rgb.target = Target::NotConfigured {
        variables: Vec::new(),
    };
    rgb.variables = variables(&[
        ("url", &["RGB_URL", "DATABASE_URL"]),
        ("admin_url", &["RGB_ADMIN_URL"]),
        ("storage_dir", &["RGB_STORAGE_DIR"]),
    ]);
    Manifest {
        path: None,
        topology: Topology::Any,
        login_proof: true,
        compose: Vec::new(),
        services: vec![indexer, kasia, rgb],
        allow: Vec::new(),
    }
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

fn start(manifest: &Manifest, options: &SystemOptions) -> Result<System, SandboxError> {
    let binaries = find(None, &environment(), System::need(manifest))?;
    System::start(manifest, &binaries, options)
}

fn values(system: &System) -> BTreeMap<&str, &str> {
    let variables = system.variables().iter();
    variables
        .map(|variable| (variable.name.as_str(), variable.value.expose()))
        .collect()
}

fn options(manifest: Manifest) -> SandboxOptions {
    SandboxOptions {
        manifest,
        env: environment(),
        postgres_bin: None,
        real_ports: false,
        default_passwords: false,
        write_manifest: false,
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn nobody_listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}

#[test]
fn the_environment_leads_into_the_sandbox_and_nowhere_else() {
    let system = start(&manifest(5433), &SystemOptions::default()).unwrap();
    let values = values(&system);
    assert_eq!(system.servers().len(), 2);
    assert_eq!(system.servers()[0].name(), "k-social-db");
    assert_eq!(values["K_PORT"], system.servers()[0].port().to_string());
    // The parts lead there, and whatever URL the caller had does not count.
    assert_eq!(values["K_URL"], "");
    assert_eq!(values["DATABASE_URL"], "");
    assert_ne!(values["K_PASSWORD"], "published");
    assert!(!values.contains_key("DBCTL_CONFIG"));
    assert_eq!(system.own_manifest(), None);
    assert!(
        Path::new(values["DBCTL_POSTGRES_BIN"])
            .join("postgres")
            .exists()
    );

    let admin = Secret::new(values["RGB_ADMIN_URL"]);
    let password = values["RGB_URL"].split([':', '@']).nth(2).unwrap();
    ask(
        &admin,
        &format!("CREATE ROLE rgb_node_user LOGIN PASSWORD '{password}'"),
    )
    .unwrap();
    ask(&admin, "CREATE DATABASE rgb_node OWNER rgb_node_user").unwrap();
    let whoami = ask(&Secret::new(values["RGB_URL"]), "SELECT current_user").unwrap();
    assert_eq!(whoami.unwrap(), "rgb_node_user");
    let preloaded = "SHOW shared_preload_libraries";
    assert_eq!(ask(&admin, preloaded).unwrap().unwrap(), "");
    let indexer = Secret::new(values["K_ADMIN_URL"]);
    assert_eq!(ask(&indexer, preloaded).unwrap().unwrap(), "timescaledb");

    for name in ["KASIA_DATA_DIR", "RGB_STORAGE_DIR"] {
        let path = Path::new(values[name]);
        assert!(path.starts_with(system.folder()));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
    let folder = system.folder().to_owned();
    let ports: Vec<u16> = system
        .servers()
        .iter()
        .map(|server| server.port())
        .collect();
    system.stop().unwrap();
    assert!(!folder.exists());
    assert!(ports.into_iter().all(nobody_listens));
}

#[test]
fn a_manifest_without_variables_is_replaced_by_one_that_says_it() {
    let mut manifest = manifest(5433);
    let indexer = &mut manifest.services[0];
    indexer.variables.clear();
    indexer.target = at("db.example.org", 5432, "k_social_user", "ksocial");
    manifest.services.truncate(1);
    let system = start(&manifest, &SystemOptions::default()).unwrap();
    let path = PathBuf::from(values(&system)["DBCTL_CONFIG"]);
    assert_eq!(system.own_manifest(), Some(path.as_path()));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let service = &table["services"]["k-indexer"];
    assert_eq!(service["store"].as_str(), Some("timescaledb"));
    assert_eq!(service["role"].as_str(), Some("k_social_user"));
    let port = system.servers()[0].port();
    let url = format!("postgresql://k_social_user:published@127.0.0.1:{port}/ksocial");
    assert_eq!(service["url"].as_str(), Some(url.as_str()));
    let admin = Secret::new(service["admin_url"].as_str().unwrap());
    assert_eq!(ask(&admin, "SELECT 1").unwrap().unwrap(), "1");
    assert!(!text.contains("example.org"));
}

#[test]
fn services_that_share_a_server_share_it_here_too() {
    let mut manifest = manifest(5433);
    manifest.topology = Topology::Shared;
    let system = start(&manifest, &SystemOptions::default()).unwrap();
    assert_eq!(system.servers().len(), 1);
    let values = values(&system);
    assert_eq!(values["K_ADMIN_URL"], values["RGB_ADMIN_URL"]);
}

#[test]
fn real_ports_and_default_passwords_are_the_manifests() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut manifest = manifest(port);
    manifest.services.truncate(1);
    let options = SystemOptions {
        real_ports: true,
        default_passwords: true,
        ..SystemOptions::default()
    };
    let error = start(&manifest, &options).unwrap_err().to_string();
    assert!(
        error.contains(&port.to_string()) && error.contains("k-social-db"),
        "{error}"
    );
    drop(listener);
    let system = start(&manifest, &options).unwrap();
    assert_eq!(system.servers()[0].port(), port);
    assert_eq!(values(&system)["K_PASSWORD"], "published");
}

fn shell(script: &str, manifest: Manifest) -> RunOptions {
    RunOptions {
        sandbox: options(manifest),
        command: vec!["sh".into(), "-c".into(), script.into()],
    }
}

#[test]
fn run_forwards_the_commands_status_and_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("port");
    let script = format!(
        "echo $K_PORT >{}; test -z \"$K_URL\" && exit 7",
        port.display()
    );
    let mut talk = Vec::new();
    let status = wait(run(shell(&script, manifest(5433)), &mut talk)).unwrap();
    assert_eq!(status, 7);
    let port = std::fs::read_to_string(port)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(nobody_listens(port));
    assert!(String::from_utf8(talk).unwrap().contains("throwaway"));
}

#[test]
fn run_says_what_it_cannot_run() {
    let mut options = shell("", manifest(5433));
    options.command = vec!["/nonexistent/program".into()];
    let error = wait(run(options.clone(), &mut Vec::new())).unwrap_err();
    assert!(
        error.to_string().contains("/nonexistent/program"),
        "{error}"
    );
    options.command.clear();
    let error = wait(run(options, &mut Vec::new())).unwrap_err();
    assert_eq!(error.exit().code(), 2);
}

#[test]
#[ignore = "started by the test below, in a process of its own"]
fn inner_run() {
    let Some(folder) = std::env::var_os("DBCTL_TEST_FOLDER").map(PathBuf::from) else {
        return;
    };
    let folder = folder.display();
    let script = format!("echo $$ >{folder}/pid; echo $K_PORT >{folder}/result; sleep 600");
    let ended = wait(run(shell(&script, manifest(5433)), &mut Vec::new()));
    std::process::exit(ended.unwrap_or_else(|error| error.exit().code().into()));
}

#[test]
fn a_signal_ends_command_and_servers() {
    for (signal, wait_for_command) in [
        (Signal::SIGINT, true),
        (Signal::SIGTERM, true),
        (Signal::SIGHUP, true),
        (Signal::SIGINT, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        open_to_all(&temporary);
        let mut inner = again("sandbox_system::inner_run", None, folder.path());
        let result = folder.path().join("result");
        let begun = || std::fs::read_dir(&temporary).unwrap().count() > 0;
        until("the inner run", Duration::from_secs(60), || {
            if wait_for_command {
                result.exists()
            } else {
                begun()
            }
        });
        std::thread::sleep(Duration::from_millis(100));
        kill(Pid::from_raw(i32::try_from(inner.id()).unwrap()), signal).unwrap();
        let status = inner.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{signal} {wait_for_command}");
        assert!(!begun(), "{signal} {wait_for_command}");
    }
}

#[test]
fn a_killed_run_leaves_no_server() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    open_to_all(&temporary);
    let mut inner = again("sandbox_system::inner_run", None, folder.path());
    let number = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        text.trim().parse::<i32>().ok()
    };
    until("the inner run", Duration::from_secs(60), || {
        number("result").is_some()
    });
    kill(
        Pid::from_raw(i32::try_from(inner.id()).unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    inner.wait().unwrap();
    // Nobody is left to end the command, which runs in a group of its own.
    killpg(Pid::from_raw(number("pid").unwrap()), Signal::SIGKILL).unwrap();
    let port = u16::try_from(number("result").unwrap()).unwrap();
    until("the servers' end", Duration::from_secs(60), || {
        nobody_listens(port)
    });
    until("the data's end", Duration::from_secs(60), || {
        std::fs::read_dir(&temporary).unwrap().count() == 0
    });
}

#[test]
#[ignore = "started by the test below, in a process of its own"]
fn inner_up() {
    let Some(folder) = std::env::var_os("DBCTL_TEST_FOLDER").map(PathBuf::from) else {
        return;
    };
    let up_options = UpOptions {
        sandbox: options(manifest(5433)),
        directory: Some(folder.join("state")),
    };
    let mut data = Vec::new();
    wait(up(up_options, &mut data, &mut Vec::new())).unwrap();
    std::fs::write(folder.join("result"), data).unwrap();
}

#[test]
fn up_outlives_dbctl_and_down_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let mut exports = Vec::new();
    for _ in 0..2 {
        let mut inner = again("sandbox_system::inner_up", None, folder.path());
        assert!(inner.wait().unwrap().success());
        exports.push(std::fs::read_to_string(folder.path().join("result")).unwrap());
    }
    assert_eq!(exports[0], exports[1]);
    std::thread::sleep(Duration::from_secs(1));
    let line = |name: &str| {
        let start = format!("export {name}='");
        let line = exports[0]
            .lines()
            .find_map(|line| line.strip_prefix(&start));
        line.unwrap().trim_end_matches('\'').to_owned()
    };
    assert_eq!(
        ask(&Secret::new(line("K_ADMIN_URL")), "SELECT 1")
            .unwrap()
            .unwrap(),
        "1"
    );
    let directory = folder.path().join("state");
    let state = directory.join("state.json");
    assert_eq!(
        state.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );

    // The servers of one system are not what a caller with another manifest has asked for.
    let other = Manifest {
        path: Some(folder.path().join("dbctl.toml")),
        ..manifest(5433)
    };
    let up_options = UpOptions {
        sandbox: options(other),
        directory: Some(directory.clone()),
    };
    let refused = wait(up(up_options, &mut Vec::new(), &mut Vec::new())).unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("a sandbox of another system runs"),
        "{refused}"
    );
    assert!(refused.contains("dbctl.toml"), "{refused}");

    let down_options = DownOptions {
        env: environment(),
        directory: Some(directory.clone()),
    };
    for expected in ["stopped and removed", "no sandbox is running"] {
        let mut talk = Vec::new();
        wait(down(down_options.clone(), &mut talk)).unwrap();
        let talk = String::from_utf8(talk).unwrap();
        assert!(talk.contains(expected), "{talk}");
    }
    assert!(nobody_listens(line("K_PORT").parse().unwrap()));
    assert!(!directory.exists());
}

#[test]
fn a_state_that_points_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let precious = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{{"version": 1, "folder": "{}", "servers": [], "variables": []}}"#,
        precious.path().display()
    );
    std::fs::write(folder.path().join("state.json"), text).unwrap();
    let down_options = DownOptions {
        env: environment(),
        directory: Some(folder.path().to_owned()),
    };
    let error = wait(down(down_options, &mut Vec::new())).unwrap_err();
    assert!(error.to_string().contains("lies elsewhere"), "{error}");
    assert!(precious.path().exists());
}

#[test]
fn a_command_that_cannot_be_run_ends_as_in_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "version = 1\n[services.one]\nstore = \"postgres\"\nmanaged = \"service\"\ndatabase = \"one\"\nrole = \"one\"\nhost = \"localhost\"\nport = 5432\n";
    std::fs::write(folder.path().join("dbctl.toml"), manifest).unwrap();
    for (program, status) in [("no-such-program", 127), ("./dbctl.toml", 126)] {
        let mut command = super::lab::dbctl(folder.path());
        command.args(["sandbox", "run", "-q", "--", program]);
        let run = super::lab::finish(command).exits(status);
        run.says(&format!("cannot run {program}"));
    }
}
