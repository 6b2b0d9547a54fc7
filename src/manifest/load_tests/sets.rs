//! Which set and database a service has.

use std::path::PathBuf;

use super::case;

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
