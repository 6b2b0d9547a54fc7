//! Where values come from: variables, `.env`, flags.

use std::path::Path;

use super::{CANARY, builtin, case, display, service, source_of};
use crate::manifest::{Source, Target};

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

/// The file is Compose's as well: what Compose takes must not stop dbctl.
#[test]
fn dotenv_is_read_as_compose_reads_it() {
    let dotenv = "TITLE=two words\nSECRET\nMOTTO=it's \"so\"\nPORT=77\nK_SOCIAL_DB_PORT: ${PORT}11\nK_SOCIAL_DB_PASSWORD=a$$b${NOWHERE} # c\nKASIA_DATA_DIR=\"$HOME/k\"\n";
    let manifest = case(&[(".env", dotenv)]).env("HOME", "/home/x").load();
    let k = service(&manifest, "k-indexer").endpoint().unwrap();
    assert_eq!(k.address(), "localhost:7711");
    assert_eq!(k.password.as_ref().unwrap().expose(), "a$b");
    let kasia = service(&manifest, "kasia-indexer");
    let directory = &kasia.data_dir.as_ref().unwrap().value;
    assert_eq!(directory, Path::new("/home/x/k"));
}

#[test]
fn a_broken_dotenv_is_named_and_not_quoted() {
    for (text, line) in [
        (format!("A=1\n\nB {CANARY}\n"), 3),
        (format!("A=1\nPW=\"{CANARY}\nC=2\n"), 2),
        (format!("A=1\nPW=${{A{CANARY}\nC=2\n"), 2),
        (format!("A@{CANARY}=1"), 1),
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
