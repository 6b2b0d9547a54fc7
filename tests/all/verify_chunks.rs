//! `verify` asks as many queries of a database with many chunks as of one with few.

use std::collections::BTreeSet;

use dbctl::sandbox::Server;

use crate::lab::{K, Lab, binaries, start};
use crate::rows::spread;
use crate::verify_cases::{list, shown, text, verify};

/// The statements of one `verify` that finds nothing, and how many sessions made them, which work side by side.
fn asked(lab: &Lab, server: &Server) -> (Vec<String>, usize) {
    let log = || std::fs::read_to_string(server.log_path()).unwrap();
    let from = log().len();
    let report = verify(lab, &["--service", K, "--no-login-proof"]);
    assert!(list(&report, "findings").is_empty(), "{}", shown(&report));
    for gap in list(&report, "not_checked") {
        assert!(text(gap, "reason").contains("no log-in was tried"), "{gap}");
    }
    let text = log();
    let own = format!("dbctl verify {K}|");
    let lines: Vec<&str> = text[from..]
        .lines()
        .filter_map(|line| line.strip_prefix(&own))
        .filter(|line| line.contains("LOG:  execute") || line.contains("LOG:  statement"))
        .collect();
    let of = |line: &&str| line.split_once('|').map(|(process, _)| process.to_owned());
    let processes: BTreeSet<String> = lines.iter().filter_map(of).collect();
    let mut statements: Vec<String> = lines
        .iter()
        .filter_map(|line| line.split_once('|'))
        .map(|(_, statement)| statement.to_owned())
        .collect();
    statements.sort();
    (statements, processes.len())
}

#[test]
fn the_number_of_queries_does_not_grow_with_the_chunks() {
    let settings = [("log_line_prefix", "%a|%p|"), ("log_statement", "all")];
    let server = start(&binaries(17, true).unwrap(), true, &settings);
    let lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    spread(&lab, 3);
    let few = asked(&lab, &server);
    spread(&lab, 150);
    let chunks = lab.sql(
        "ksocial",
        "SELECT count(*) FROM timescaledb_information.chunks",
    );
    assert!(chunks.parse::<u32>().unwrap() >= 600, "{chunks}");
    let many = asked(&lab, &server);
    assert_eq!(few, many);
    let looks = |line: &&String| line.contains("-- Where single chunks are not");
    assert_eq!(many.0.iter().filter(looks).count(), 1);
}
