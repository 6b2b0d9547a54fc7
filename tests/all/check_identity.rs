//! `check` on what the manifest alone tells of databases and roles: no server is asked.

use serde_json::Value;

use crate::check_sets::Repository;
use crate::lab::{self, K, R, S};

/// Rule, service, whose it is, and message of what is found, but for the published passwords.
fn found(repository: &Repository, env: &[(&str, &str)], arguments: &[&str]) -> Vec<[String; 4]> {
    let output = lab::dbctl(repository.path())
        .args(["check", "--format", "json"])
        .args(arguments)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(
        output.status.code(),
        Some(i32::from(!findings.is_empty())),
        "{findings:#?}"
    );
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .iter()
        .map(|it| {
            assert_eq!(it["evidence"], "manifest", "{it:#}");
            assert!(!text(&it["remedy"]).is_empty(), "{it:#}");
            [
                &it["rule"],
                &it["service"],
                &it["belongs_to"],
                &it["message"],
            ]
            .map(text)
        })
        .collect()
}

const NOTHING: [[String; 4]; 0] = [];

fn edit(repository: &Repository, from: &str, to: &str) {
    let path = repository.path().join("dbctl.toml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    assert!(manifest.contains(from), "{manifest}");
    std::fs::write(path, manifest.replacen(from, to, 1)).unwrap();
}

fn one(found: &[[String; 4]]) -> [&str; 4] {
    let [one] = found else { panic!("{found:#?}") };
    one.each_ref().map(String::as_str)
}

#[test]
fn one_role_for_two_services() {
    let repository = Repository::new();
    assert_eq!(found(&repository, &[], &[]), NOTHING);
    edit(&repository, "\"rgb_user\"", "\"simply_kaspa_user\"");
    let shared = found(&repository, &[], &[]);
    let [rule, service, whose, message] = one(&shared);
    assert_eq!((rule, service, whose), ("identity/shared-role", R, S));
    for name in ["simply_kaspa_user", "localhost:5432", R, S] {
        assert!(message.contains(name), "{message}");
    }
    // The earlier one tells it where the later one is not asked about, and who has nothing to do with it does not.
    assert_eq!(
        one(&found(&repository, &[], &["--service", S]))[..3],
        ["identity/shared-role", S, R]
    );
    assert_eq!(found(&repository, &[], &["--service", K]), NOTHING);
    // It can be accepted. What only a server tells is no left-over here either.
    let allow =
        |rule: &str| format!("\n[[allow]]\nrule = \"{rule}\"\nreason = \"until the move\"\n");
    let entries = ["identity/shared-role", "identity/shared-database"]
        .map(allow)
        .concat();
    edit(
        &repository,
        "\n[services.rgb",
        &format!("{entries}\n[services.rgb"),
    );
    assert_eq!(found(&repository, &[], &[]), NOTHING);
}

#[test]
fn one_role_name_in_two_servers_is_fine() {
    let repository = Repository::new();
    edit(
        &repository,
        "\"rgb_user\"\nhost = \"localhost\"",
        "\"simply_kaspa_user\"\nhost = \"db.example\"",
    );
    assert_eq!(found(&repository, &[], &[]), NOTHING);
    edit(
        &repository,
        "host = \"db.example\"\nport = 5432",
        "host = \"127.0.0.1\"\nport = 5433",
    );
    assert_eq!(found(&repository, &[], &[]), NOTHING);
    edit(&repository, "port = 5433", "port = 5432");
    assert_eq!(
        one(&found(&repository, &[], &[]))[0],
        "identity/shared-role"
    );
}

#[test]
fn urls_that_lead_to_one_place() {
    let repository = Repository::new();
    edit(
        &repository,
        "role = \"rgb_user\"\nhost = \"localhost\"\nport = 5432\n",
        "url = { env = \"RGB_URL\" }\noptional = true\n",
    );
    let with = |url: &str| found(&repository, &[("RGB_URL", url)], &[]);
    assert_eq!(
        with("postgresql://rgb:canary@localhost/rgb_lightning_node"),
        NOTHING
    );
    // The user of a URL is the role where the manifest names none.
    let shared = with("postgresql://simply_kaspa_user:canary@127.0.0.1/rgb_lightning_node");
    assert_eq!(one(&shared)[..3], ["identity/shared-role", R, S]);
    // An indexer's shell: one cause, one finding, whatever else is the indexer's as well.
    let wrong = with("postgresql://simply_kaspa_user:canary@localhost/simply_kaspa");
    assert_eq!(one(&wrong)[..3], ["identity/wrong-database", R, S]);
    assert!(one(&wrong)[3].contains("rgb_lightning_node"), "{wrong:?}");
    // A database of nobody's is for verify to look at.
    assert_eq!(with("postgresql://rgb:canary@localhost/somewhere"), NOTHING);

    edit(
        &repository,
        "optional = true\n",
        "optional = true\nrole = \"rgb\"\n",
    );
    let wrong = found(
        &repository,
        &[(
            "RGB_URL",
            "postgresql://simply_kaspa_user:canary@localhost/rgb_lightning_node",
        )],
        &[],
    );
    assert_eq!(one(&wrong)[..3], ["identity/wrong-role", R, S]);
}

#[test]
fn one_database_for_two_services() {
    let repository = Repository::new();
    edit(
        &repository,
        "database = \"rgb_lightning_node\"\nrole = \"rgb_user\"\nhost = \"localhost\"\nport = 5432\n",
        "database = \"simply_kaspa\"\nrole = \"rgb_user\"\nurl = { env = \"RGB_URL\" }\noptional = true\n",
    );
    let with = |url: &str| found(&repository, &[("RGB_URL", url)], &[]);
    let shared = with("postgresql://rgb_user:canary@127.0.0.1/simply_kaspa");
    assert_eq!(one(&shared)[..3], ["identity/shared-database", R, S]);
    // With the role of the other as well it is one cause still.
    edit(&repository, "\"rgb_user\"", "\"simply_kaspa_user\"");
    let shared = with("postgresql://simply_kaspa_user:canary@localhost:5432/simply_kaspa");
    assert_eq!(one(&shared)[0], "identity/shared-database");
    assert_eq!(
        with("postgresql://simply_kaspa_user:canary@elsewhere/simply_kaspa"),
        NOTHING
    );
}
