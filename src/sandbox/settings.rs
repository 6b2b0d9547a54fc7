//! The settings of a throwaway server, and its port.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;

use super::error::SandboxError;
use super::server::ServerOptions;

/// Its data does not matter after a crash, it shares the machine with others, and it is reached over loopback only.
const BASE: [(&str, &str); 24] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "32MB"),
    ("maintenance_work_mem", "32MB"),
    ("max_wal_size", "256MB"),
    ("min_wal_size", "32MB"),
    ("max_connections", "100"),
    // The launcher, and for each of three databases a scheduler with its jobs.
    ("max_worker_processes", "24"),
    ("max_parallel_workers_per_gather", "0"),
    // Compiling a large catalog query takes longer than running it.
    ("jit", "off"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_line_prefix", "%m [%p] %q%a %u@%d "),
    // The text of a failed ALTER ROLE would put its password into the log.
    ("log_min_error_statement", "panic"),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
    ("datestyle", "ISO, MDY"),
    ("default_text_search_config", "pg_catalog.english"),
    ("dynamic_shared_memory_type", "posix"),
    ("password_encryption", "scram-sha-256"),
    ("wal_level", "replica"),
];

/// The whole configuration file. A later line wins over an earlier one.
pub(super) fn render(options: &ServerOptions, hba: Option<&Path>, port: u16) -> String {
    let mut text = String::new();
    let mut put = |name: &str, value: &str| {
        // Writing into a String cannot fail.
        writeln!(text, "{name} = '{}'", value.replace('\'', "''")).ok();
    };
    for (name, value) in BASE {
        put(name, value);
    }
    put("port", &port.to_string());
    put("cluster_name", &options.name);
    if options.timescaledb {
        put("shared_preload_libraries", "timescaledb");
        put("timescaledb.telemetry_level", "off");
        put("timescaledb.max_background_workers", "12");
    }
    if let Some(hba) = hba {
        put("hba_file", &hba.display().to_string());
    }
    for (name, value) in &options.settings {
        put(name, value);
    }
    text
}

/// Writes the configuration where the server's user can read but not change it.
pub(super) fn write(
    options: &ServerOptions,
    folder: &Path,
    port: u16,
) -> Result<std::path::PathBuf, SandboxError> {
    let put = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join(name);
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o644)))
            .map_err(SandboxError::io(format!("write {}", path.display())))?;
        Ok(path)
    };
    let hba = options
        .hba
        .as_ref()
        .map(|lines| put("pg_hba.conf", lines))
        .transpose()?;
    put("postgresql.conf", &render(options, hba.as_deref(), port))
}

/// A port that nobody listens on, neither on 127.0.0.1 nor on ::1, since `localhost` may mean either.
pub(super) fn free_port() -> Result<u16, SandboxError> {
    let what = "find a free port on 127.0.0.1";
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(SandboxError::io(what))?
            .port();
        if is_free(port) {
            return Ok(port);
        }
    }
}

/// Whether nobody listens on the port.
pub(super) fn is_free(port: u16) -> bool {
    let loopback = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    // Only "in use" counts: a machine may have no IPv6.
    !loopback.into_iter().any(|address| {
        TcpListener::bind((address, port))
            .is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn an_occupied_port_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        drop(listener);
        // Not that one again: a child started beside this test may hold the listener until its exec, and others bind ports of their own.
        assert_ne!(free_port().unwrap(), 0);
    }

    #[test]
    fn settings_are_quoted_and_the_callers_win() {
        let mut options = ServerOptions::new("it's", crate::secret::Secret::new("x"));
        options.settings = vec![("fsync".to_owned(), "on".to_owned())];
        let text = render(&options, None, 5499);
        assert!(text.contains("cluster_name = 'it''s'\n"));
        assert!(text.ends_with("fsync = 'on'\n"));
        assert!(!text.contains("timescaledb"));
    }
}
