//! `verify` looks at many chunks with a second session, and with the first one where no second is to be had.

use std::collections::BTreeSet;

use dbctl::sandbox::Server;

use crate::lab::{K, Lab, binaries, start};
use crate::verify_cases::{list, shown, text, verify};

/// The server processes whose statements begin with this comment, from this place of the log on.
fn processes(server: &Server, from: usize, comment: &str) -> BTreeSet<String> {
    let log = std::fs::read_to_string(server.log_path()).unwrap();
    log[from..]
        .lines()
        .filter(|line| line.starts_with(&format!("dbctl verify {K}|")) && line.contains(comment))
        .filter_map(|line| line.split('|').nth(1))
        .map(str::to_owned)
        .collect()
}

/// How many of the processes that looked at all chunks are not the one that read everything else.
fn seconds(lab: &Lab, server: &Server) -> (usize, usize) {
    let from = std::fs::read_to_string(server.log_path()).unwrap().len();
    let report = verify(lab, &["--service", K, "--no-login-proof"]);
    assert!(list(&report, "findings").is_empty(), "{}", shown(&report));
    for gap in list(&report, "not_checked") {
        assert!(text(gap, "reason").contains("no log-in was tried"), "{gap}");
    }
    let readers = processes(server, from, "-- The session, its server and its database");
    let lookers = processes(server, from, "-- Where single chunks are not");
    assert_eq!(readers.len(), 1);
    (lookers.len(), lookers.difference(&readers).count())
}

#[test]
fn many_chunks_are_looked_at_by_a_second_session() {
    let settings = [
        ("log_line_prefix", "%a|%p|"),
        ("log_min_duration_statement", "0"),
    ];
    let server = start(&binaries(17, true).unwrap(), true, &settings);
    let lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_eq!(seconds(&lab, &server), (1, 0));
    lab.sql(
        "ksocial",
        "UPDATE pg_class SET relpages = 1000 WHERE oid = '_timescaledb_catalog.chunk'::regclass",
    );
    assert_eq!(seconds(&lab, &server), (1, 1));
    let role = lab.db("k_social_user");
    lab.sql(
        "postgres",
        &format!("ALTER ROLE \"{role}\" CONNECTION LIMIT 1"),
    );
    assert_eq!(seconds(&lab, &server), (1, 0));
}
