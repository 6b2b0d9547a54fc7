#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use super::{Inputs, load};
use crate::manifest::{Manifest, Service, Source, Target, Topology};

const CANARY: &str = "Canary7Pw";

/// A working directory with the given files.
struct Case {
    directory: tempfile::TempDir,
    inputs: Inputs,
}

fn case(files: &[(&str, &str)]) -> Case {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let inputs = Inputs {
        directory: directory.path().to_path_buf(),
        ..Inputs::default()
    };
    Case { directory, inputs }
}

impl Case {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.inputs.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn set(mut self, text: &str) -> Self {
        self.inputs.overrides.push(text.to_owned());
        self
    }

    fn load(&self) -> Manifest {
        assert!(!format!("{:?}", self.inputs).contains(CANARY));
        let manifest = load(&self.inputs).unwrap();
        assert!(!format!("{manifest:?}").contains(CANARY));
        manifest
    }

    /// The error without the directory's name. It must never hold the canary.
    fn error(&self) -> String {
        let error = load(&self.inputs).unwrap_err();
        assert!(!format!("{error:?}").contains(CANARY), "{error}");
        let directory = format!("{}/", self.directory.path().display());
        error.0.replace(&directory, "")
    }
}

fn builtin() -> Case {
    case(&[])
}

/// A manifest with one service of these lines, which begin at line 3.
fn one(lines: &str) -> Case {
    let text = format!("version = 1\n[services.a]\n{lines}\n");
    case(&[("dbctl.toml", &text)])
}

/// The lines of a service that is right.
const GOOD: &str =
    "store = \"postgres\"\nset = \"rgb_users\"\ndatabase = \"d\"\nrole = \"r\"\nhost = \"h\"";

fn service<'a>(manifest: &'a Manifest, name: &str) -> &'a Service {
    manifest.service(name).unwrap()
}

fn display(service: &Service) -> String {
    service.endpoint().unwrap().display()
}

fn source_of(service: &Service, key: &str) -> Source {
    let shown = service.shown.iter().find(|shown| shown.key == key);
    shown.unwrap().source.clone()
}

#[test]
fn the_builtin_manifest_is_the_kaspa_system() {
    let manifest = builtin().load();
    let names: Vec<&str> = manifest.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "k-indexer",
            "simply-kaspa-indexer",
            "kasia-indexer",
            "rgb-lightning-node"
        ]
    );
    assert_eq!(manifest.topology, Topology::Any);
    let k = service(&manifest, "k-indexer");
    assert_eq!(
        display(k),
        "postgresql://k_social_user@localhost:5433/ksocial"
    );
    assert!(k.default_password);
    assert_eq!(
        k.endpoint().unwrap().password.as_ref().unwrap().expose(),
        "k_social_secure_pass"
    );
    assert_eq!(source_of(k, "port"), Source::Default);
    assert_eq!(source_of(k, "host"), Source::BuiltIn);
    assert_eq!(k.container.as_ref().unwrap().value, "k-social-db");
    assert!(
        k.variables
            .contains(&("port", vec!["K_SOCIAL_DB_PORT".to_owned()]))
    );
    assert_eq!(k.set_dir, None);
    let rgb = service(&manifest, "rgb-lightning-node");
    let Target::NotConfigured { variables } = &rgb.target else {
        unreachable!("no URL is set");
    };
    assert_eq!(variables, &["RGB_DATABASE_URL", "DATABASE_URL"]);
    assert!(matches!(
        service(&manifest, "kasia-indexer").target,
        Target::Files
    ));
}

#[test]
fn variables_of_the_field_work() {
    let manifest = builtin()
        .env("K_SOCIAL_DB_PORT", "6000")
        .env("K_SOCIAL_DB_PASSWORD", CANARY)
        .env(
            "SIMPLY_KASPA_DATABASE_URL",
            "postgresql://sk:simply_kaspa_secure_pass@db:7/x",
        )
        .env("SIMPLY_KASPA_DB_PORT", "garbage that nobody needs")
        .env("SIMPLY_KASPA_DB_PASSWORD", "")
        .env("RGB_DATABASE_URL", "")
        .env(
            "DATABASE_URL",
            "postgres://rgb@127.0.0.1/rgb_lightning_node",
        )
        .env(
            "RGB_ADMIN_URL",
            &format!("postgres://postgres:{CANARY}@127.0.0.1"),
        )
        .env("KASIA_DATA_DIR", "kasia")
        .load();
    let k = service(&manifest, "k-indexer");
    assert_eq!(
        display(k),
        "postgresql://k_social_user@localhost:6000/ksocial"
    );
    assert!(!k.default_password);
    let Target::Database(target) = &k.target else {
        unreachable!("it is a database");
    };
    assert_eq!(target.source, Source::Env("K_SOCIAL_DB_PORT".to_owned()));
    let simply = service(&manifest, "simply-kaspa-indexer");
    assert_eq!(display(simply), "postgresql://sk@db:7/x");
    assert!(simply.default_password);
    assert!(simply.shown.iter().all(|shown| shown.key != "port"));
    let rgb = service(&manifest, "rgb-lightning-node");
    assert_eq!(
        source_of(rgb, "url"),
        Source::Env("DATABASE_URL".to_owned())
    );
    assert_eq!(rgb.role_name(), Some("rgb"));
    assert_eq!(rgb.admin.as_ref().unwrap().value.database, "postgres");
    let kasia = service(&manifest, "kasia-indexer")
        .data_dir
        .as_ref()
        .unwrap();
    assert!(kasia.value.is_absolute() && kasia.value.ends_with("kasia"));
}

#[test]
fn dotenv_stands_behind_the_environment() {
    let dotenv = "\u{feff}# comment\nK_SOCIAL_DB_PORT=1\nSIMPLY_KASPA_DB_PORT='2'\nDATABASE_URL=postgres://u@h/d\nexport KASIA_DATA_DIR=/k # here\nK_SOCIAL_DB_PASSWORD=\"two\nlines\" ";
    let manifest = case(&[(".env", dotenv)])
        .env("SIMPLY_KASPA_DB_PORT", "3")
        .env("DATABASE_URL", "")
        .load();
    let k = service(&manifest, "k-indexer");
    assert_eq!(k.endpoint().unwrap().address(), "localhost:1");
    assert_eq!(
        source_of(k, "port"),
        Source::DotEnv("K_SOCIAL_DB_PORT".to_owned())
    );
    assert_eq!(
        k.endpoint().unwrap().password.as_ref().unwrap().expose(),
        "two\nlines"
    );
    let simply = service(&manifest, "simply-kaspa-indexer");
    assert_eq!(simply.endpoint().unwrap().address(), "localhost:3");
    // Empty in the environment switches the line of .env off.
    let rgb = service(&manifest, "rgb-lightning-node");
    assert!(matches!(rgb.target, Target::NotConfigured { .. }));
    let kasia = service(&manifest, "kasia-indexer")
        .data_dir
        .as_ref()
        .unwrap();
    assert_eq!(kasia.value, Path::new("/k"));
}

#[test]
fn a_broken_dotenv_is_named_and_not_quoted() {
    for (text, line) in [
        (format!("A=1\n\nB {CANARY}\n"), 3),
        (format!("A=1\nPW=\"{CANARY}\nC=2\n"), 2),
        (format!("A=1\nPW=a {CANARY}\nC=2\n"), 2),
        (CANARY.to_owned(), 1),
    ] {
        let error = case(&[(".env", &text)]).error();
        assert!(
            error.starts_with(&format!(".env:{line}: ")),
            "{error} for {text}"
        );
    }
    let case = builtin();
    std::fs::create_dir(case.directory.path().join(".env")).unwrap();
    assert!(case.error().starts_with(".env: cannot be read"));
    std::fs::remove_dir(case.directory.path().join(".env")).unwrap();
    std::fs::write(case.directory.path().join(".env"), b"A=1\nB=\xff\n").unwrap();
    assert!(case.error().starts_with(".env:2: not UTF-8"));
}

#[test]
fn the_manifest_is_found_in_order() {
    let text = |name: &str| format!("version = 1\n[services.{name}]\nstore = \"files\"\n");
    let mut case = case(&[
        ("dbctl.toml", &text("here")),
        ("x/env.toml", &text("env")),
        ("flag.toml", &text("flag")),
    ]);
    assert_eq!(case.load().services[0].name, "here");
    case = case.env("DBCTL_CONFIG", "");
    assert_eq!(case.load().services[0].name, "here");
    case = case.env("DBCTL_CONFIG", "x/env.toml");
    assert_eq!(case.load().services[0].name, "env");
    case.inputs.config = Some(PathBuf::from("flag.toml"));
    assert_eq!(case.load().services[0].name, "flag");
    case.inputs.config = Some(PathBuf::from("gone.toml"));
    assert!(
        case.error()
            .starts_with("gone.toml: expected a manifest (named by --config)")
    );
    case.inputs.config = None;
    case = case.env("DBCTL_CONFIG", "x/gone.toml");
    assert!(case.error().contains("named by environment DBCTL_CONFIG"));
}

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
fn wrong_variables_name_their_place() {
    let error = builtin().env("K_SOCIAL_DB_PORT", "54x").error();
    assert_eq!(
        error,
        "built-in manifest:12: services.k-indexer.port: expected a port number from 1 to 65535, found something else in environment K_SOCIAL_DB_PORT; correct K_SOCIAL_DB_PORT"
    );
    let error = builtin().env("K_SOCIAL_DB_PASSWORD", "").error();
    assert_eq!(
        error,
        "built-in manifest:13: services.k-indexer.password: expected a password, found an empty text in environment K_SOCIAL_DB_PASSWORD; set K_SOCIAL_DB_PASSWORD, or unset it"
    );
    let error = case(&[(".env", "DATABASE_URL=postgres://u:Canary7Pw%@h/d")]).error();
    assert!(error.contains("found one that cannot be used in .env DATABASE_URL; a % is not"));
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

#[test]
fn sets_resolve_to_folders_or_built_in_sets() {
    let text = "version = 1\nsets = \"sql\"\n[services.a]\nstore = \"postgres\"\nset = \"mine\"\ndatabase = \"d\"\nrole = \"r\"\nhost = \"h\"\n[services.b]\nstore = \"postgres\"\nset = \"k_social\"\ndatabase = \"e\"\nrole = \"r\"\nhost = \"h\"\n";
    let mut case = case(&[
        ("c/dbctl.toml", text),
        ("c/sql/mine/V1__a.sql", "SELECT 1"),
        ("other/mine/V1__a.sql", "SELECT 1"),
    ]);
    case.inputs.config = Some(PathBuf::from("c/dbctl.toml"));
    let manifest = case.load();
    assert_eq!(
        manifest.services[0].set_dir,
        Some(case.directory.path().join("c/sql/mine"))
    );
    assert_eq!(manifest.services[1].set_dir, None);
    case.inputs.sets = Some(PathBuf::from("other"));
    let error = case.error();
    assert!(
        error.contains("services.b.set") && error.contains("there is no folder other/k_social"),
        "{error}"
    );
    std::fs::create_dir(case.directory.path().join("other/k_social")).unwrap();
    let manifest = case.load();
    assert_eq!(
        manifest.services[1].set_dir,
        Some(case.directory.path().join("other/k_social"))
    );
}

#[test]
fn services_do_not_share_set_or_database() {
    let two = |a: &str, b: &str| {
        let text = format!(
            "version = 1\n[services.a]\nstore = \"postgres\"\nset = \"k_social\"\n{a}\n[services.b]\nstore = \"postgres\"\n{b}\n"
        );
        case(&[("dbctl.toml", &text)])
    };
    let at = |host: &str, rest: &str| {
        format!("database = \"d\"\nrole = \"r\"\nhost = \"{host}\"\n{rest}")
    };
    let error = two(&at("h", ""), &at("i", "set = \"k_social\"")).error();
    assert!(error.contains("services.b.set: expected a set of its own, found the built-in set k_social, which is a's (line 4)"), "{error}");
    let set = "set = \"rgb_users\"";
    let error = two(&at("localhost", ""), &at("127.0.0.1", set)).error();
    assert!(error.contains("services.b.database: expected a database of its own, found \"d\" at 127.0.0.1:5432, which is a's"), "{error}");
    let error = two(
        &at("h", ""),
        &format!("database = \"d\"\nurl = \"postgres://u:Canary7Pw@h/d\"\n{set}"),
    )
    .error();
    assert!(error.contains("expected a database of its own"), "{error}");
    // What a variable says is for the commands to judge, one service at a time.
    two(
        &at("h", ""),
        &at("h", &format!("port = {{ env = \"P\" }}\n{set}")),
    )
    .env("P", "5432")
    .load();
    two(&at("h", ""), &at("h", &format!("port = 5433\n{set}"))).load();
}

#[test]
fn flags_override_and_never_carry_secrets() {
    let manifest = builtin()
        .env("K_SOCIAL_DB_PORT", "1")
        .set("k-indexer.port=2")
        .set("k-indexer.port=3")
        .set("k-indexer.host=[::1]")
        .set("k-indexer.database=other")
        .set("kasia-indexer.data_dir=/x=y")
        .load();
    let k = service(&manifest, "k-indexer");
    assert_eq!(display(k), "postgresql://k_social_user@[::1]:3/other");
    assert_eq!(source_of(k, "port"), Source::Flag);
    let kasia = service(&manifest, "kasia-indexer")
        .data_dir
        .as_ref()
        .unwrap();
    assert_eq!(kasia.value, Path::new("/x=y"));
    for (flag, expected) in [
        (
            "k-indexer.password=Canary7Pw",
            "--set k-indexer.password: password cannot be given on the command line",
        ),
        (
            "k-indexer.url=postgres://u:Canary7Pw@h",
            "--set k-indexer.url: url cannot be",
        ),
        (
            "k-indexer.prot=Canary7Pw",
            "--set k-indexer.prot: unknown key; did you mean port?",
        ),
        ("k-indexer.store=files", "unknown key"),
        (
            "k-index.port=1",
            "--set k-index.port: unknown service; did you mean k-indexer?",
        ),
        (
            "k-indexer.port=0",
            "--set k-indexer.port: expected a port number from 1 to 65535, found \"0\"",
        ),
        ("k-indexer.port=", "the value is empty"),
        ("k-indexer.port", "there is no ="),
        ("Canary7Pw=1", "there is no . before"),
        (
            "kasia-indexer.port=1",
            "--set kasia-indexer.port: expected no such key with store = \"files\"",
        ),
        (
            "k-indexer.set=nope",
            "--set k-indexer.set: expected a known migration set",
        ),
    ] {
        let error = builtin().set(flag).error();
        assert!(error.contains(expected), "{flag}: {error}");
    }
    let error = builtin()
        .env("K_SOCIAL_DATABASE_URL", "postgres://u@h/d")
        .set("k-indexer.port=1")
        .error();
    assert!(error.contains("--set k-indexer.port: the service's url is in force (environment K_SOCIAL_DATABASE_URL)"), "{error}");
}

#[test]
fn a_service_may_do_without_password_set_or_database() {
    let manifest = one(&format!("{GOOD}\npassword = {{ env = \"PW\" }}")).load();
    assert_eq!(manifest.services[0].endpoint().unwrap().password, None);
    let managed = GOOD.replace("set = \"rgb_users\"", "managed = \"service\"");
    assert_eq!(one(&managed).load().services[0].set, None);
    let optional = GOOD.replace("host = \"h\"", "optional = true");
    assert!(matches!(
        one(&optional).load().services[0].target,
        Target::NotConfigured { .. }
    ));
    let text = format!("{GOOD}\nstorage_dir = \"data\"");
    let case = one(&text);
    let storage = case.load().services[0].storage_dir.clone().unwrap();
    assert_eq!(storage.value, case.directory.path().join("data"));
    assert_eq!(storage.source, Source::File(8));
}

#[test]
fn allow_entries_are_read() {
    let entry = "[[allow]]\nrule = \"link/foreign-server\"\nservice = \"a\"\nobject = \"o\"\nreason = \"why\"\nuntil = 2027-03-31\n[[allow]]\nrule = \"x/y\"\nreason = \"z\"\nuntil = \"2027-03-31\"\nnot_checked = true";
    let manifest = one(&format!("{GOOD}\n{entry}")).load();
    let date = time::macros::date!(2027 - 03 - 31);
    let [first, second] = manifest.allow.as_slice() else {
        unreachable!("there are two");
    };
    assert_eq!(
        (first.line, first.until, first.not_checked),
        (8, Some(date), false)
    );
    assert_eq!(first.service.as_deref(), Some("a"));
    assert_eq!(
        (second.line, second.until, second.not_checked),
        (14, Some(date), true)
    );
    assert_eq!(second.service, None);
}

#[test]
fn services_are_selected_by_name() {
    let manifest = builtin().load();
    assert_eq!(manifest.select(&[]).unwrap().len(), 4);
    let names = [
        "kasia-indexer".to_owned(),
        "k-indexer".to_owned(),
        "k-indexer".to_owned(),
    ];
    let chosen: Vec<&str> = manifest
        .select(&names)
        .unwrap()
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    assert_eq!(chosen, ["k-indexer", "kasia-indexer"]);
    assert_eq!(
        manifest.select(&["k-indexr".to_owned()]).unwrap_err(),
        "unknown service \"k-indexr\": did you mean k-indexer? the built-in manifest has k-indexer, simply-kaspa-indexer, kasia-indexer, rgb-lightning-node"
    );
    assert_eq!(
        manifest.suggest("rgb-lightning"),
        Some("rgb-lightning-node")
    );
}
