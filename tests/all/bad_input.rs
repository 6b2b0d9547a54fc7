//! Everything an operator can get wrong: said plainly, with the right exit code, and with no password in it.
//!
//! `lab::finish` looks for the canary in every output; here it is the password of each service and stands where it could leak.

use std::os::unix::fs::symlink;
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::lab::{CANARY, K, Lab, R, S, binaries, finish, start};
use crate::migrate::free_port;
use crate::shop::Shop;

/// The canary as it stands in a URL.
fn encoded() -> String {
    utf8_percent_encode(CANARY, NON_ALPHANUMERIC).to_string()
}

/// Every verb must refuse before it does anything: this exit code, all of this on stderr, nothing on stdout.
#[track_caller]
fn refused(lab: &Lab, flags: &[&str], code: i32, parts: &[&str]) {
    for verb in [
        &["migrate", "-v"][..],
        &["migrate", "--dry-run", "--format", "json"],
        &["status", "-v"],
        &["status", "--format", "json"],
        &["provision", "-v"],
    ] {
        let run = lab.run(&[verb, flags].concat()).exits(code);
        assert_eq!(run.out, "", "{verb:?}");
        for part in parts {
            assert!(run.err.contains(part), "{part:?} is not in {}", run.err);
        }
    }
}

/// `migrate` and `status` must tell this of the service, to people and to scripts, and end with this code.
#[track_caller]
fn told(lab: &Lab, service: &str, code: i32, parts: &[&str]) {
    for verb in ["migrate", "status"] {
        let run = lab
            .run(&[verb, "--service", service, "-v"])
            .exits(code)
            .says(service);
        let report = lab.json(&[verb, "--service", service, "-v"], code);
        let error = report["services"][0]["error"].as_str().unwrap_or_default();
        for part in parts {
            assert!(
                run.out.contains(part),
                "{verb}: {part:?} is not in {}",
                run.all()
            );
            assert!(
                error.contains(part),
                "{verb}: {part:?} is not in {report:#}"
            );
        }
    }
}

#[test]
fn a_manifest_that_is_missing_or_cannot_be_read() {
    let mut lab = Lab::new();
    lab.write("folder/x", "");
    lab.write(
        "latin1.toml",
        b"version = 1\npassword = \"c4nary\xe4\"\n".as_slice(),
    );
    symlink("nowhere", lab.path().join("dangling.toml")).unwrap();
    for (file, parts) in [
        ("gone.toml", &["gone.toml: ", "No such file"][..]),
        ("folder", &["folder: ", "Is a directory"]),
        ("dangling.toml", &["dangling.toml: ", "No such file"]),
        ("latin1.toml", &["latin1.toml:2: not UTF-8"]),
    ] {
        lab.env.remove("DBCTL_CONFIG");
        refused(&lab, &["--config", file], 3, parts);
        lab.env.insert("DBCTL_CONFIG".to_owned(), file.to_owned());
        refused(&lab, &[], 3, parts);
    }
    let named = lab.run(&["status"]).exits(3);
    assert!(named.err.contains("latin1.toml"), "{}", named.err);
    lab.env
        .insert("DBCTL_CONFIG".to_owned(), "gone.toml".to_owned());
    refused(
        &lab,
        &[],
        3,
        &["named by environment DBCTL_CONFIG", "correct the path"],
    );
    // The one in the working directory is not passed over in favour of the built-in one when it is there and broken.
    lab.env.remove("DBCTL_CONFIG");
    std::fs::remove_file(lab.path().join("dbctl.toml")).unwrap();
    symlink("nowhere", lab.path().join("dbctl.toml")).unwrap();
    refused(&lab, &[], 3, &["dbctl.toml: ", "No such file"]);
    // root may read everything, so it cannot see this one.
    if nix::unistd::Uid::effective().is_root() {
        eprintln!("SKIPPED: a manifest without read permission, because this is root");
    } else {
        use std::os::unix::fs::PermissionsExt as _;
        let path = lab.write("closed.toml", "version = 1\n");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
        refused(
            &lab,
            &["--config", "closed.toml"],
            3,
            &["closed.toml: ", "Permission denied"],
        );
    }
}

#[test]
fn broken_toml_on_the_very_line_of_a_password() {
    let lab = Lab::new();
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let line = lab.line("password = { env = \"K_SOCIAL_PW\" }");
    let place = format!("dbctl.toml:{line}: ");
    for broken in [
        // The canary holds a quote and a backslash of its own.
        format!("password = \"{CANARY}\""),
        format!("password = {CANARY}"),
        "password = \"c4nary".to_owned(),
        "password = \"c4nary\" x".to_owned(),
        "password = \"c4nary\"\"".to_owned(),
        "password = 'c4nary\" }".to_owned(),
        "password \"c4nary\"".to_owned(),
        "password = { env = \"K_SOCIAL_PW\", default = \"c4nary\"".to_owned(),
        "= \"c4nary\"".to_owned(),
        "\"c4nary".to_owned(),
        "c4nary".to_owned(),
        format!("password.{} = 1", "\"c4nary"),
    ] {
        lab.write(
            "dbctl.toml",
            manifest.replace("password = { env = \"K_SOCIAL_PW\" }", &broken),
        );
        let run = lab.run(&["status", "-v"]).exits(3);
        // An open quote or brace may end on a later line; the file is named in any case.
        assert!(run.err.contains("dbctl.toml:"), "{broken}: {}", run.err);
        assert!(run.err.contains("not TOML"), "{broken}: {}", run.err);
        refused(&lab, &[], 3, &["not TOML"]);
    }
    lab.write(
        "dbctl.toml",
        manifest.replace(
            "password = { env = \"K_SOCIAL_PW\" }",
            "password = \"c4nary\" x",
        ),
    );
    refused(&lab, &[], 3, &[&place, "column "]);
}

#[test]
fn values_of_the_manifest_that_cannot_be() {
    let mut lab = Lab::new();
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let (password, set) = (
        "password = { env = \"K_SOCIAL_PW\" }",
        "set = \"k_social\"\n",
    );
    let place = |lab: &Lab, text: &str, key: &str| {
        format!(
            "dbctl.toml:{}: services.k-indexer.{key}: ",
            lab.line(text.trim())
        )
    };
    for (from, to, key, parts) in [
        // An unknown key, with a secret behind it.
        (
            password,
            "pasword = \"c4nary\"",
            "pasword",
            &["unknown key; did you mean password?"][..],
        ),
        (
            password,
            "password = { evn = \"c4nary\" }",
            "password.evn",
            &["unknown key; did you mean env?"],
        ),
        (
            password,
            "password = [\"c4nary\"]",
            "password",
            &["found a list"],
        ),
        (
            password,
            "password = \"\"",
            "password",
            &["expected a password, found an empty text", "write one"],
        ),
        (
            set,
            "set = \"k_socail\"\n",
            "set",
            &["did you mean k_social?"],
        ),
        (
            set,
            "set = \"my_set\"\n",
            "set",
            &["expected a known migration set", "rgb_users"],
        ),
        (
            "url = { env = \"K_SOCIAL_URL\" }",
            "url = \"postgresql://u:c4nary@x@h/d\"",
            "url",
            &["more than one @", "%40"],
        ),
        (
            "url = { env = \"K_SOCIAL_URL\" }",
            "url = \"c4nary\"",
            "url",
            &["this is not a URL; expected postgresql://role:password@host:port/database"],
        ),
    ] {
        lab.write("dbctl.toml", manifest.replacen(from, to, 1));
        let place = place(&lab, to, key);
        refused(&lab, &[], 3, &[&[place.as_str()][..], parts].concat());
    }

    // An empty variable where a password is needed, from the environment and from .env.
    lab.write("dbctl.toml", &manifest);
    let place = place(&lab, password, "password");
    let key = "K_SOCIAL_PW".to_owned();
    lab.env.insert(key.clone(), String::new());
    refused(
        &lab,
        &[],
        3,
        &[&place, "environment K_SOCIAL_PW; set K_SOCIAL_PW"],
    );
    lab.env.remove(&key);
    lab.write(".env", "K_SOCIAL_PW=\n");
    refused(&lab, &[], 3, &[&place, ".env K_SOCIAL_PW"]);
    // A line of .env that is broken: the canary is on it.
    lab.write(".env", format!("A=1\nK_SOCIAL_PW=\"a {CANARY}\n"));
    refused(&lab, &[], 3, &[".env:2: "]);
}

#[test]
fn two_services_on_one_database_and_a_missing_folder_of_sets() {
    let lab = Lab::new();
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    // What the manifest alone says; a database that a variable leads to is refused by its stamp (migrate.rs).
    lab.edit("url = { env = \"K_SOCIAL_URL\" }\n", "");
    lab.edit("url = { env = \"SIMPLY_KASPA_URL\" }\n", "");
    lab.edit(
        &format!("database = \"{}\"", lab.db("simply_kaspa")),
        &format!("database = \"{}\"", lab.db("ksocial")),
    );
    let text = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let second = 1 + text
        .lines()
        .enumerate()
        .filter(|(_, line)| *line == format!("database = \"{}\"", lab.db("ksocial")))
        .nth(1)
        .unwrap()
        .0;
    refused(
        &lab,
        &[],
        3,
        &[
            &format!("dbctl.toml:{second}: services.{S}.database: "),
            "expected a database of its own",
            K,
        ],
    );

    lab.write("dbctl.toml", &manifest);
    lab.edit("version = 1\n", "version = 1\nsets = \"sql\"\n");
    lab.edit("set = \"k_social\"", "set = \"own\"");
    refused(
        &lab,
        &[],
        3,
        &[
            &format!(
                "dbctl.toml:{}: services.{K}.set: ",
                lab.line("set = \"own\"")
            ),
            &format!("make the folder {}", lab.path().join("sql/own").display()),
        ],
    );
    refused(
        &lab,
        &["--sets", "elsewhere"],
        3,
        &[&lab.path().join("elsewhere/own").display().to_string()],
    );
}

#[test]
fn an_unknown_service_is_wrong_usage() {
    let lab = Lab::new();
    refused(
        &lab,
        &["--service", "k-indexr"],
        2,
        &[
            "unknown service \"k-indexr\"",
            "did you mean k-indexer?",
            S,
            R,
        ],
    );
    refused(
        &lab,
        &["--service", K, "--service", "zzz"],
        2,
        &["unknown service \"zzz\"", "dbctl.toml has k-indexer"],
    );
}

/// A lab whose node has a set of its own on disk, which is right.
fn with_own_set() -> Lab {
    let lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    lab.edit("version = 1\n", "version = 1\nsets = \"sql\"\n");
    lab.edit("set = \"rgb_users\"", "set = \"own\"");
    lab.write("sql/own/V1__one.sql", "CREATE TABLE one (a int);\n");
    lab.write("sql/own/V2__two.sql", "CREATE TABLE two (a int);\n");
    lab
}

#[test]
fn a_set_with_a_wrong_file() {
    let lab = with_own_set();
    let own = lab.path().join("sql/own");
    let misnamed = "misnamed: expected V<number>__<name>.sql";
    let write = |path: &Path| std::fs::write(path, "SELECT 1;\n").unwrap();
    type Case<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        ("V3_three.sql", &write, &[misnamed]),
        ("v3__three.sql", &write, &[misnamed]),
        ("V3__drei-vier.sql", &write, &[misnamed]),
        ("V3__.sql", &write, &[misnamed]),
        ("V3.1__x.sql", &write, &[misnamed]),
        ("V3__three.SQL", &write, &["lower-case .sql"]),
        ("init.sql", &write, &[misnamed]),
        ("V0__zero.sql", &write, &["version 0 is out of range"]),
        ("V99999999999__big.sql", &write, &["out of range"]),
        (
            "V2__again.sql",
            &write,
            &["V2__two.sql", "both have version 2"],
        ),
        (
            "V02__again.sql",
            &write,
            &["V2__two.sql", "both have version 2"],
        ),
        (
            "V3__link.sql",
            &|path| symlink("nowhere", path).unwrap(),
            &["cannot be read: No such file"],
        ),
        (
            "V3__folder.sql",
            &|path| std::fs::create_dir(path).unwrap(),
            &["cannot be read: it is not a regular file"],
        ),
        (
            "V3__empty.sql",
            &|path| std::fs::write(path, " \n").unwrap(),
            &["empty"],
        ),
        (
            "V3__latin1.sql",
            &|path| std::fs::write(path, b"SELECT '\xe4';\n").unwrap(),
            &["not UTF-8", "byte 8"],
        ),
    ];
    for (file, make, parts) in cases {
        let path = own.join(file);
        make(&path);
        let named = path.display().to_string();
        told(&lab, R, 3, &[&[named.as_str(), "own"][..], parts].concat());
        if path.is_dir() {
            std::fs::remove_dir(&path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
    }
    // Nothing was applied meanwhile, and the others are not held up.
    assert_eq!(
        lab.sql(
            "rgb_lightning_node",
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ),
        "0"
    );
    std::fs::write(own.join("V2__again.sql"), "SELECT 1;\n").unwrap();
    let report = lab.json(&["migrate"], 3);
    assert_eq!(report["services"][0]["outcome"], "migrated");
    assert_eq!(report["services"][1]["outcome"], "migrated");
    assert_eq!(report["services"][2]["outcome"], "bad_set");
    std::fs::remove_file(own.join("V2__again.sql")).unwrap();

    // What is no migration does not matter, whatever it holds.
    std::fs::write(own.join("README.md"), b"l\xe4tin").unwrap();
    std::fs::write(own.join(".V3__x.sql.swp"), b"\xff").unwrap();
    std::fs::create_dir(own.join("notes")).unwrap();
    symlink("nowhere", own.join("logo.png")).unwrap();
    lab.run(&["migrate", "--service", R, "-q"]).exits(0);
    // A folder with no migration in it is a mistake.
    lab.edit("set = \"own\"", "set = \"none\"");
    lab.write("sql/none/README.md", "");
    told(
        &lab,
        R,
        3,
        &[
            &lab.path().join("sql/none").display().to_string(),
            "holds no migration",
        ],
    );
}

#[test]
fn a_server_that_does_not_let_us_in() {
    let mut lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    let right = lab.url("ksocial", "k_social_user");
    let role = lab.db("k_social_user");
    let url = |lab: &mut Lab, url: &str| {
        lab.env.insert("K_SOCIAL_URL".to_owned(), url.to_owned());
    };

    // A wrong password: from its variable, from .env, from the URL.
    let password_failed = format!("password authentication failed for user \"{role}\"");
    let parts = [
        password_failed.as_str(),
        "127.0.0.1",
        "28P01",
        "the password is wrong, the role has expired (VALID UNTIL), or there is no such role: mend ",
    ];
    lab.env
        .insert("K_SOCIAL_PW".to_owned(), format!("{CANARY}-wrong"));
    told(&lab, K, 4, &parts);
    lab.env.remove("K_SOCIAL_PW");
    lab.write(".env", "K_SOCIAL_PW=\"c4nary-wrong\\\"\\\\\\$x\"\n");
    told(&lab, K, 4, &parts);
    // And the right one, so that the spelling in .env is proven to be read.
    lab.write(
        ".env",
        format!(
            "K_SOCIAL_PW=\"{}\"\n",
            CANARY
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('$', "\\$")
        ),
    );
    lab.run(&["status", "--service", K, "-v"]).exits(0);
    url(
        &mut lab,
        &right.replace(&encoded(), &format!("{}wrong", encoded())),
    );
    told(&lab, K, 4, &parts);
    // A role that is not there looks the same to the server's guests.
    url(&mut lab, &right.replace(&role, "nobody"));
    told(&lab, K, 4, &["user \"nobody\"", "28P01"]);
    // No password at all.
    url(&mut lab, &right.replace(&format!(":{}", encoded()), ""));
    told(&lab, K, 4, &["password missing", "PGPASSWORD is not read"]);

    // Nobody there.
    let port = free_port();
    let (_, database) = right.rsplit_once('/').unwrap();
    url(
        &mut lab,
        &format!(
            "postgresql://{role}:{}@127.0.0.1:{port}/{database}",
            encoded()
        ),
    );
    told(
        &lab,
        K,
        4,
        &[
            &format!("127.0.0.1:{port}"),
            "Connection refused",
            "check that the server runs and that host and port are right",
        ],
    );
    url(
        &mut lab,
        &format!(
            "postgresql://{role}:{}@no-such-host.invalid/{database}",
            encoded()
        ),
    );
    told(
        &lab,
        K,
        4,
        &["no-such-host.invalid", "host and port are right"],
    );

    // TLS where the server has none.
    for mode in ["require", "verify-ca", "verify-full"] {
        url(&mut lab, &format!("{right}?sslmode={mode}"));
        told(&lab, K, 4, &["TLS", "sslmode"]);
    }
    url(
        &mut lab,
        &format!("{right}?sslmode=verify-full&sslrootcert=/nonexistent/root.crt"),
    );
    told(&lab, K, 4, &["sslrootcert /nonexistent/root.crt"]);
    for mode in ["prefer", "disable"] {
        url(&mut lab, &format!("{right}?sslmode={mode}"));
        lab.run(&["status", "--service", K, "-v"]).exits(0);
    }

    // A database that is not there, and one that is not ours to enter.
    url(&mut lab, &right.replace(database, "no_such_database"));
    told(
        &lab,
        K,
        4,
        &[
            "database \"no_such_database\" does not exist",
            "3D000",
            "check the URL, or the manifest's `database` if no_such_database is right",
        ],
    );
    let foreign = lab.url("simply_kaspa", "k_social_user");
    url(&mut lab, &foreign);
    told(
        &lab,
        K,
        4,
        &[
            &format!(
                "permission denied for database \"{}\"",
                lab.db("simply_kaspa")
            ),
            "which is the database of simply-kaspa-indexer: mend the URL in K_SOCIAL_URL",
        ],
    );

    // URLs that are none, with a password in each: refused before anything is tried.
    for broken in [
        "postgresql://u:c4nary/x@127.0.0.1:5432/d".to_owned(),
        "postgresql://u:c4nary@x@127.0.0.1/d".to_owned(),
        "postgresql://u:%zzc4nary@127.0.0.1/d".to_owned(),
        "postgresql://u:p@127.0.0.1:c4nary/d".to_owned(),
        "mysql://u:c4nary@127.0.0.1/d".to_owned(),
        "host=127.0.0.1 password=c4nary".to_owned(),
        "u:c4nary@127.0.0.1".to_owned(),
        "postgresql://u:p@127.0.0.1/d?sslmode=c4nary".to_owned(),
        "postgresql://u:p@127.0.0.1/d?c4nary".to_owned(),
        "postgresql://u:#c4nary?x=1@127.0.0.1/d".to_owned(),
    ] {
        for variable in ["K_SOCIAL_URL", "K_SOCIAL_ADMIN"] {
            let before = lab.env.insert(variable.to_owned(), broken.clone());
            refused(&lab, &[], 3, &["dbctl.toml:", variable]);
            lab.env
                .extend(before.map(|before| (variable.to_owned(), before)));
        }
    }
}

#[test]
fn a_server_older_than_postgresql_14() {
    let Some(old) = binaries(13, false) else {
        return;
    };
    let server = start(&old, false, &[]);
    let mut lab = Lab::on(&server, "postgres");
    if let Some(newer) = binaries(17, true) {
        lab.psql_from(&newer.bin);
    }
    let parts = ["PostgreSQL 13.", "dbctl needs 14 or newer", "upgrade"];
    lab.sql(
        "postgres",
        &format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{}'; CREATE DATABASE {db} OWNER {role}",
            CANARY.replace('\'', "''"),
            role = lab.db("k_social_user"),
            db = lab.db("ksocial"),
        ),
    );
    told(&lab, K, 4, &parts);
    let run = lab.run(&["provision", "--service", R, "-v"]).exits(4);
    for part in parts {
        assert!(run.out.contains(part), "{part} is not in {}", run.all());
    }
    assert_eq!(
        lab.sql(
            "postgres",
            &format!(
                "SELECT count(*) FROM pg_roles WHERE rolname = '{}'",
                lab.db("rgb_user")
            )
        ),
        "0"
    );
}

#[test]
fn a_server_without_timescaledb() {
    let missing = (
        binaries(15, false),
        &[
            "TimescaleDB is not installed",
            "postgresql-15-timescaledb",
            "shared_preload_libraries",
        ][..],
    );
    let not_loaded = (
        binaries(17, true),
        &[
            "TimescaleDB is installed on this server but not loaded",
            "shared_preload_libraries = 'timescaledb'",
            "restart the server",
        ][..],
    );
    for (binaries, parts) in [missing, not_loaded] {
        let Some(binaries) = binaries else {
            continue;
        };
        let server = start(&binaries, false, &[]);
        let lab = Lab::on(&server, "timescaledb");
        let run = lab.run(&["provision", "-v"]).exits(4);
        let report = lab.json(&["migrate"], 4);
        let table = lab.run(&["migrate", "-v"]).exits(4);
        for part in parts {
            assert!(run.out.contains(part), "{part} is not in {}", run.all());
            assert!(table.out.contains(part), "{part} is not in {}", table.all());
            for service in [0, 1] {
                let error = report["services"][service]["error"].as_str().unwrap();
                assert!(error.contains(part), "{part} is not in {error}");
            }
        }
        // The node needs no TimescaleDB, and the indexers' databases are as empty as they were.
        assert_eq!(report["services"][2]["outcome"], "migrated");
        assert_eq!(
            lab.sql(
                "ksocial",
                "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            ),
            "0"
        );
        // status only reads, and needs no TimescaleDB for that.
        let report = lab.json(&["status"], 0);
        assert_eq!(report["services"][0]["state"], "pending", "{report:#}");
        assert_eq!(report["services"][2]["state"], "up_to_date", "{report:#}");
    }
}

/// What is not UTF-8 is told by its name, and never taken for something that is not set.
#[test]
fn names_and_values_that_are_not_utf_8_are_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let shop = Shop::new(&[("V1__goods.sql", "CREATE TABLE goods (id int);")]);
    let broken = OsStr::from_bytes(b"postgresql://u:c4nary\xff@h/d");
    for (name, code) in [
        ("RGB_USERS_URL", 3),
        ("RGB_USERS_PW", 3),
        ("PGPASSFILE", 3),
        ("DBCTL_CONFIG", 3),
        ("NOBODY_ASKS_FOR_IT", 0),
    ] {
        let mut command = shop.lab.command(&["status"]);
        command.env(name, broken);
        let run = finish(command).exits(code);
        let told = format!("dbctl: environment {name}: its value is not UTF-8");
        assert_eq!(run.err.contains(&told), code == 3, "{}", run.all());
        assert_eq!(
            run.err.lines().count(),
            usize::from(code == 3),
            "{}",
            run.all()
        );
    }
    let file = shop.path("").join(OsStr::from_bytes(b"V2__\xff.sql"));
    std::fs::write(&file, "SELECT 1;").unwrap();
    for (verb, code) in [("migrate", 3), ("status", 3), ("check", 1)] {
        shop.lab
            .run(&[verb])
            .exits(code)
            .says("the file name is not UTF-8; rename it");
    }
    assert_eq!(shop.made(), "");
}

#[test]
fn a_variable_of_a_compose_file_that_is_no_text_is_not_one_that_is_unset() {
    use std::os::unix::ffi::OsStrExt as _;
    let lab = tempfile::tempdir().unwrap();
    let file = "services:\n  k-social-db:\n    image: timescale/timescaledb:2.19.3-pg17\n    environment:\n      POSTGRES_USER: ${OWNER:-k_social_user}\n";
    std::fs::write(lab.path().join("compose.yaml"), file).unwrap();
    let check = |value: &[u8]| {
        let mut command = crate::lab::dbctl(lab.path());
        command.args(["check", "--compose", "compose.yaml"]);
        let output = command
            .env("OWNER", std::ffi::OsStr::from_bytes(value))
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_ne!(check(b"k_social_user").0, Some(3));
    let (code, said) = check(b"k_\xffuser");
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("compose.yaml:5:") && said.contains("OWNER") && said.contains("not UTF-8"),
        "{said}"
    );
}
