//! Throwaway servers, for real: they start, they answer, and nothing of them stays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dbctl::sandbox::{Binaries, Need, SandboxError, Server, ServerOptions, find, random_password};
use dbctl::secret::Secret;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

fn binaries(timescaledb: bool) -> Binaries {
    let need = Need {
        timescaledb,
        major: None,
    };
    let env: BTreeMap<String, String> = std::env::vars().collect();
    find(None, &env, need).unwrap_or_else(|error| panic!("{error}"))
}

/// The first column of the first row, through the server's own driver-independent door: SQL.
pub(crate) fn ask(url: &Secret, sql: &str) -> Result<Option<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url.expose(), tokio_postgres::NoTls)
            .await
            .map_err(|error| format!("{error:?}"))?;
        tokio::spawn(connection);
        let messages = client
            .simple_query(sql)
            .await
            .map_err(|error| format!("{error:?}"))?;
        Ok(messages.into_iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    })
}

fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

pub(crate) fn until(what: &str, limit: Duration, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_with_timescaledb_starts_answers_and_leaves_nothing() {
    let mut options = ServerOptions::new("k-social-db", random_password());
    options.timescaledb = true;
    let server = Server::start(&binaries(true), &options).unwrap();
    let admin = server.admin_url("postgres");
    ask(&admin, "CREATE EXTENSION timescaledb").unwrap();
    assert_eq!(
        ask(&admin, "SHOW listen_addresses").unwrap().unwrap(),
        "127.0.0.1"
    );
    assert_eq!(
        ask(&admin, "SHOW server_encoding").unwrap().unwrap(),
        "UTF8"
    );
    let super_by_socket = ask(
        &admin,
        "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'",
    );
    assert_eq!(super_by_socket.unwrap().unwrap(), "0");
    assert!(
        ask(
            &server.url("postgres", &Secret::new("wrong"), "postgres"),
            "SELECT 1"
        )
        .is_err()
    );

    let (pid, folder) = (server.pid().unwrap(), server.folder().to_owned());
    assert!(is_alive(pid));
    server.stop().unwrap();
    assert!(!is_alive(pid));
    assert!(!folder.exists());
}

#[test]
fn dropping_a_server_stops_it() {
    let options = ServerOptions::new("dropped", random_password());
    let server = Server::start(&binaries(false), &options).unwrap();
    let (pid, folder) = (server.pid().unwrap(), server.folder().to_owned());
    drop(server);
    assert!(!is_alive(pid));
    assert!(!folder.exists());
}

#[test]
fn every_major_in_the_cache_runs() {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let all = dbctl::sandbox::find_all(None, &env, Need::default());
    let mut majors: Vec<u32> = all.iter().map(|binaries| binaries.major).collect();
    majors.dedup();
    assert!(!majors.is_empty());
    for major in majors {
        let need = Need {
            timescaledb: false,
            major: Some(major),
        };
        let binaries = find(None, &env, need).unwrap();
        let mut options = ServerOptions::new(format!("major-{major}"), random_password());
        options.settings = vec![("work_mem".to_owned(), "7MB".to_owned())];
        options.timescaledb = binaries.timescaledb;
        let server = Server::start(&binaries, &options).unwrap_or_else(|error| panic!("{error}"));
        let url = server.admin_url("postgres");
        let version = ask(&url, "SHOW server_version").unwrap().unwrap();
        assert!(version.starts_with(&major.to_string()), "{version}");
        assert_eq!(ask(&url, "SHOW work_mem").unwrap().unwrap(), "7MB");
    }
}

#[test]
fn a_password_is_in_no_process_list_and_in_no_file() {
    let password = Secret::new("canary-7f3a'\"%/@: x");
    let options = ServerOptions::new("quiet", password.clone());
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let spy = std::thread::spawn({
        let (seen, done) = (seen.clone(), done.clone());
        move || {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                    for file in ["cmdline", "environ"] {
                        let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
                        if String::from_utf8_lossy(&bytes).contains("canary-7f3a") {
                            seen.store(true, std::sync::atomic::Ordering::SeqCst);
                        }
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    let server = Server::start(&binaries(false), &options).unwrap();
    let url = server.admin_url("postgres");
    assert_eq!(ask(&url, "SELECT 1").unwrap().unwrap(), "1");
    ask(&url, "ALTER ROLE nobody_there PASSWORD 'canary-7f3a'").unwrap_err();
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    spy.join().unwrap();
    assert!(!seen.load(std::sync::atomic::Ordering::SeqCst));
    let found = Command::new("grep")
        .args(["-r", "-l", "canary-7f3a"])
        .arg(server.folder())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    assert!(!format!("{server:?}").contains("canary"));
}

#[test]
fn an_occupied_port_is_an_error_that_names_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut options = ServerOptions::new("k-social-db", random_password());
    options.port = Some(listener.local_addr().unwrap().port());
    let error = Server::start(&binaries(false), &options).unwrap_err();
    let expected = options.port.unwrap();
    assert!(matches!(&error, SandboxError::PortTaken { port, .. } if *port == expected));
    assert!(error.to_string().contains("k-social-db"), "{error}");
}

#[test]
fn a_server_that_does_not_start_shows_its_log_and_leaves_nothing() {
    let parent = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    open_to_all(parent.path());
    let mut options = ServerOptions::new("broken", random_password());
    options.directory = parent.path().to_owned();
    options.settings = vec![("shared_buffers".to_owned(), "many".to_owned())];
    let error = Server::start(&binaries(false), &options).unwrap_err();
    assert!(error.to_string().contains("shared_buffers"), "{error}");
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_the_servers_user_cannot_enter_is_named() {
    if !Uid::effective().is_root() {
        return;
    }
    let parent = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    std::fs::set_permissions(parent.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let mut options = ServerOptions::new("shut", random_password());
    options.directory = parent.path().to_owned();
    let error = Server::start(&binaries(false), &options)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cannot enter") && error.contains(&parent.path().display().to_string()),
        "{error}"
    );
}

#[test]
fn a_cancelled_start_leaves_nothing() {
    let parent = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    open_to_all(parent.path());
    let mut options = ServerOptions::new("late", random_password());
    options.directory = parent.path().to_owned();
    let cancel = options.cancel.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        cancel.cancel();
    });
    let error = Server::start(&binaries(false), &options).unwrap_err();
    thread.join().unwrap();
    assert!(matches!(error, SandboxError::Interrupted), "{error}");
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

pub(crate) fn open_to_all(folder: &Path) {
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
}

/// This test binary again, with only the inner test named, in a process of its own.
pub(crate) fn again(test: &str, as_user: Option<u32>, folder: &Path) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut command = match as_user {
        None => Command::new(&this),
        Some(uid) => {
            // The build's own folder may be closed to that user.
            let copy = folder.join("again");
            std::fs::copy(&this, &copy).unwrap();
            let mut command = Command::new("setpriv");
            command
                .args([format!("--reuid={uid}"), format!("--regid={uid}")])
                .arg("--clear-groups")
                .arg(copy);
            command
        }
    };
    let temporary = folder.join("tmp");
    if temporary.is_dir() {
        command.env("TMPDIR", temporary);
    }
    command
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("DBCTL_TEST_FOLDER", folder)
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "started by the tests below, in a process of its own"]
fn inner_start_and_stop() {
    let Some(folder) = std::env::var_os("DBCTL_TEST_FOLDER").map(PathBuf::from) else {
        return;
    };
    let mut options = ServerOptions::new("inner", random_password());
    options.directory = folder.clone();
    options.timescaledb = true;
    let server = Server::start(&binaries(true), &options).unwrap();
    let url = server.admin_url("postgres");
    ask(&url, "CREATE EXTENSION timescaledb").unwrap();
    server.stop().unwrap();
    std::fs::write(folder.join("result"), Uid::effective().to_string()).unwrap();
}

#[test]
fn an_ordinary_user_can_do_it_too() {
    if !Uid::effective().is_root() {
        return; // Then every other test here has shown it.
    }
    let folder = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    // initdb wants a user with a name.
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    nix::unistd::chown(folder.path(), Some(nobody.uid), Some(nobody.gid)).unwrap();
    let status = again(
        "sandbox::inner_start_and_stop",
        Some(nobody.uid.as_raw()),
        folder.path(),
    )
    .wait()
    .unwrap();
    assert!(status.success());
    assert_eq!(
        std::fs::read_to_string(folder.path().join("result")).unwrap(),
        nobody.uid.to_string()
    );
}

#[test]
#[ignore = "started by the test below, which kills it"]
fn inner_start_and_hang() {
    let Some(folder) = std::env::var_os("DBCTL_TEST_FOLDER").map(PathBuf::from) else {
        return;
    };
    let mut options = ServerOptions::new("inner", random_password());
    options.directory = folder.clone();
    // In a thread that ends, as in a thread pool.
    let server = std::thread::spawn(move || Server::start(&binaries(false), &options).unwrap())
        .join()
        .unwrap();
    let text = format!("{} {}", server.pid().unwrap(), server.folder().display());
    std::fs::write(folder.join("writing"), text).unwrap();
    std::fs::rename(folder.join("writing"), folder.join("result")).unwrap();
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_killed_dbctl_leaves_no_server() {
    let folder = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    open_to_all(folder.path());
    let mut inner = again("sandbox::inner_start_and_hang", None, folder.path());
    let result = folder.path().join("result");
    until("the inner server", Duration::from_secs(60), || {
        result.exists()
    });
    let text = std::fs::read_to_string(&result).unwrap();
    let (pid, data) = text.split_once(' ').unwrap();
    let (pid, data) = (pid.parse::<u32>().unwrap(), PathBuf::from(data));
    assert!(is_alive(pid) && data.exists());
    // Long enough for a signal on the end of the starting thread to show.
    std::thread::sleep(Duration::from_millis(500));
    assert!(is_alive(pid));

    kill(
        Pid::from_raw(i32::try_from(inner.id()).unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    inner.wait().unwrap();
    until("the server's end", Duration::from_secs(60), || {
        !is_alive(pid)
    });
    until("its data's end", Duration::from_secs(60), || !data.exists());
}
