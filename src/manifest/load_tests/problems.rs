//! What is wrong with a manifest, and how it is told.

use super::{GOOD, builtin, case, one};

#[test]
fn problems_name_file_line_key_and_advice() {
    for (lines, expected) in [
        (
            "port = 0",
            "dbctl.toml:8: services.a.port: expected a port number from 1 to 65535, found 0; write such a number",
        ),
        (
            "port = 65536",
            "8: services.a.port: expected a port number from 1 to 65535, found 65536",
        ),
        ("port = \"x\"", "8: services.a.port: expected a port"),
        (
            "port = 1.5",
            "8: services.a.port: expected a value, or { env",
        ),
        ("port = [1]", "found a list"),
        (
            "prot = 1",
            "8: services.a.prot: unknown key; did you mean port?",
        ),
        ("zzz = 1", "services.a.zzz: unknown key; use one of store, "),
        (
            "port = { evn = \"X\" }",
            "8: services.a.port.evn: unknown key; did you mean env?",
        ),
        (
            "port = { default = 1 }",
            "8: services.a.port.env: expected the name of a variable",
        ),
        ("port = { env = [] }", "8: services.a.port.env: "),
        ("port = { env = [1] }", "8: services.a.port.env: "),
        (
            "port = { env = \"X\", default = [1] }",
            "8: services.a.port.default: ",
        ),
        (
            "password = \"\"",
            "8: services.a.password: expected a password, found an empty text; write one",
        ),
        (
            "password = 5",
            "8: services.a.password: expected text in quotes, found another kind of value",
        ),
        (
            "optional = \"perhaps\"",
            "expected true or false, found \"perhaps\"",
        ),
        (
            "managed = \"servce\"",
            "expected service or dbctl, found \"servce\"; did you mean service?",
        ),
        (
            "engine = \"rocksdb\"",
            "services.a.engine: expected no engine",
        ),
        ("container = \"\"", "found an empty text"),
        (
            "admin_url = \"mysql://u:Canary7Pw@h\"",
            "8: services.a.admin_url: expected a connection URL",
        ),
        (
            "url = \"postgres://u:Canary7Pw@x@h\"",
            "8: services.a.url: expected a connection URL, found one that cannot be used; ",
        ),
        ("url = 5", "8: services.a.url: expected text in quotes"),
    ] {
        let error = one(&format!("{GOOD}\n{lines}")).error();
        assert!(error.contains(expected), "{lines}: {error}");
        assert_eq!(error.lines().count(), 1, "{lines}: {error}");
    }
}

#[test]
fn replaced_values_are_refused() {
    let long = format!("database = \"{}\"", "x".repeat(64));
    for (from, to, expected) in [
        (
            "store = \"postgres\"",
            "store = \"postgre\"",
            "3: services.a.store: expected timescaledb or postgres or files, found \"postgre\"; did you mean postgres?",
        ),
        (
            "store = \"postgres\"",
            "",
            "services.a.store: expected timescaledb, postgres or files, found nothing; add store",
        ),
        (
            "store = \"postgres\"",
            "store = { env = \"STORE\" }",
            "found nothing; set STORE, or give it a default",
        ),
        (
            "set = \"rgb_users\"",
            "",
            "services.a.set: expected a migration set, found nothing",
        ),
        (
            "set = \"rgb_users\"",
            "set = \"rgb_user\"",
            "4: services.a.set: expected a known migration set, found \"rgb_user\"; known are k_social, rgb_users, simply_kaspa (did you mean rgb_users?)",
        ),
        (
            "set = \"rgb_users\"",
            "set = \"../x\"",
            "expected the plain name of a folder",
        ),
        (
            "database = \"d\"",
            "",
            "services.a.database: expected the name of the service's database, found nothing; add database",
        ),
        (
            "database = \"d\"",
            "database = \"a\\u0000b\"",
            "5: services.a.database: expected plain text, found a control character",
        ),
        (
            "database = \"d\"",
            &long,
            "at most 63 bytes, found one of 64 bytes",
        ),
        (
            "role = \"r\"",
            "",
            "services.a.role: expected the role that the service logs in as",
        ),
        (
            "role = \"r\"",
            "role = { env = \"R\" }",
            "found nothing; set R, or",
        ),
        (
            "host = \"h\"",
            "",
            "services.a.url: expected the way to the database, found neither url nor host; add url",
        ),
        (
            "host = \"h\"",
            "url = { env = \"U\" }",
            "7: services.a.url: expected the way to the database, found neither url nor host; set U, or write optional = true",
        ),
        (
            "host = \"h\"",
            "host = \"postgres://u:Canary7Pw@h\"",
            "7: services.a.host: expected one host name",
        ),
    ] {
        let error = one(&GOOD.replace(from, to)).error();
        assert!(error.contains(expected), "{to}: {error}");
        assert_eq!(error.lines().count(), 1, "{to}: {error}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = "version = 1\ntopology = \"star\"\nset = \"x\"\n[services.A]\n[services.b]\nstore = \"files\"\nurl = \"postgres://u:Canary7Pw@h\"\n[services.c]\nstore = \"postgres\"\nport = 0\n[[allow]]\nrule = \"x/y\"\nservice = \"bb\"\nuntil = \"2026-02-30\"\n";
    let error = case(&[("dbctl.toml", text)]).error();
    let starts: Vec<String> = error
        .lines()
        .map(|line| line.splitn(4, ':').skip(1).take(2).collect())
        .collect();
    assert_eq!(
        starts,
        [
            "2 topology",
            "3 set",
            "4 services.\"A\"",
            "7 services.b.url",
            "8 services.c.set",
            "8 services.c.database",
            "8 services.c.url",
            "11 allow.reason",
            "13 allow.service",
            "14 allow.until",
        ],
        "{error}"
    );
}

#[test]
fn broken_documents_are_refused() {
    for (text, expected) in [
        (
            "",
            "dbctl.toml:1: version: expected 1, found nothing; write version = 1",
        ),
        (
            "version = 1",
            "dbctl.toml:1: services: expected at least one service",
        ),
        (
            "version = 1\n[services]",
            "dbctl.toml:2: services: expected at least one service",
        ),
        (
            "version = 1\nservices = 3",
            "dbctl.toml:2: services: expected a table, found a number",
        ),
        (
            "version = 1\nallow = 3\n[services.a]\nstore=\"files\"",
            "dbctl.toml:2: allow: expected a list",
        ),
        ("version = \"1\"", "version: expected 1, found \"1\""),
        ("version = 0", "version: expected 1, found 0"),
        (
            "\nversion = 2\nnew = true",
            "dbctl.toml:2: version: expected 1, found 2: this manifest was made for a newer dbctl; upgrade dbctl",
        ),
        (
            "version = 1\n[services.a]\npassword = \"Canary7Pw",
            "dbctl.toml:3: column ",
        ),
        (
            "version = 1\n[services.a]\npassword = Canary7Pw",
            "dbctl.toml:3: column 12: not TOML: ",
        ),
        (
            "version = 1\n[services.a]\nport = 1\nport = 2",
            "dbctl.toml:4: column 1: not TOML: duplicate key",
        ),
        (
            "version = 1\n[services.a]\nurl = \"a\" \"Canary7Pw\"",
            "dbctl.toml:3: column ",
        ),
        ("password = \"Canary7Pw\\q\"", "dbctl.toml:1: column "),
    ] {
        let error = case(&[("dbctl.toml", text)]).error();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let case = builtin();
    std::fs::write(case.directory.path().join("dbctl.toml"), b"a\n\xff").unwrap();
    assert!(case.error().contains("dbctl.toml:2: not UTF-8"));
}
