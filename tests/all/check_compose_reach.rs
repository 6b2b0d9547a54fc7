//! Whether a service's URL can reach its database over the networks of the compose files, and what a server and its hooks are given.

use crate::check_compose::{Deployment, REFERENCE, findings};
use crate::check_compose_files::{check, gaps};
use crate::side_by_side::each;

const INDEXER: &str = "    depends_on:\n      k-social-db:\n        condition: service_healthy\n    networks: [back]\n";
const SERVER: &str = "    container_name: k-social-db\n";

/// What k-indexer has in place of its network, lines for k-social-db, and what is said.
const CASES: &[(&str, &str, Option<&str>)] = &[
    ("networks: [back]", "", None),
    (
        "network_mode: none",
        "",
        Some("k-indexer connects to k-social-db, though it has no network (network_mode: none)"),
    ),
    (
        "network_mode: host",
        "",
        Some("a name that is not known in the host's network (network_mode: host)"),
    ),
    (
        "networks: [other]",
        "",
        Some("k-indexer connects to k-social-db, with which it has no network in common"),
    ),
    ("networks: [other, back]", "", None),
    // The default network is one as well.
    ("labels: {a: b}", "", Some("no network in common")),
    ("labels: {a: b}", "networks: {default: , back: }", None),
    (
        "networks: [back]",
        "networks: !override [other]",
        Some("no network in common"),
    ),
    (
        "networks: [back]",
        "networks: !reset []\n    network_mode: none",
        Some("which has no network (network_mode: none)"),
    ),
    (
        "networks: [back]",
        "networks: !reset []\n    network_mode: host",
        Some("which is in the host's network (network_mode: host), where no name leads"),
    ),
    // What the files do not tell, or what leads there all the same.
    ("network_mode: ${MODE:?}", "", None),
    ("network_mode: bridge", "", None),
    ("network_mode: service:k-social-db", "", None),
    ("network_mode: service:dashboard", "", None),
    (
        "network_mode: host\n    extra_hosts: ['k-social-db:10.0.0.1']",
        "",
        None,
    ),
    ("networks: [same]", "", None),
];

#[test]
fn a_host_that_no_network_leads_to_is_told() {
    let networks = "networks:\n  other:\n  same: {name: aio_back}\n";
    each(CASES, |(client, server, said)| {
        assert!(REFERENCE.contains(INDEXER) && REFERENCE.contains(SERVER));
        let indexer = INDEXER.replace("networks: [back]", client);
        // Tags of a merge are for overrides: the server's own come as a second file.
        let text = REFERENCE.replacen(INDEXER, &indexer, 1).replacen(
            "networks:\n  back:",
            &format!("{networks}  back:"),
            1,
        );
        let deployment = Deployment::new(&text);
        if !server.is_empty() {
            deployment.write(
                "compose.override.yaml",
                &format!("services:\n  k-social-db:\n    {server}\n"),
            );
        }
        let run = check(&deployment, &[]);
        let found = findings(&run.json());
        let told: Vec<&String> = found
            .iter()
            .filter(|found| found.contains("compose/wrong-connection"))
            .collect();
        match (said, told.as_slice()) {
            (None, []) => {}
            (Some(said), [only]) => {
                assert!(only.starts_with("error") && only.contains(said), "{only}");
            }
            _ => panic!("{client} {server}: {found:#?}"),
        }
    });
}

/// The official image takes a variable from itself or from its file, and never from both.
#[test]
fn a_server_that_is_given_a_variable_and_its_file_does_not_start() {
    let own = "      POSTGRES_DB: ksocial\n";
    assert!(REFERENCE.contains(own));
    for (lines, said) in [
        (
            "POSTGRES_PASSWORD_FILE: /run/secrets/pw",
            Some("POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE"),
        ),
        (
            "POSTGRES_USER_FILE: /run/secrets/pw",
            Some("POSTGRES_USER and POSTGRES_USER_FILE"),
        ),
        ("POSTGRES_PASSWORD_FILE: ''", None),
        ("POSTGRES_INITDB_ARGS_FILE: /run/secrets/pw", None),
    ] {
        let text = REFERENCE.replacen(own, &format!("{own}      {lines}\n"), 1);
        let found = findings(&check(&Deployment::new(&text), &[]).json());
        let told: Vec<&String> = found
            .iter()
            .filter(|found| found.contains("refuses to start"))
            .collect();
        match (said, told.as_slice()) {
            (None, []) => {}
            (Some(said), [only]) => assert!(only.contains(said), "{only}"),
            _ => panic!("{lines}: {found:#?}"),
        }
    }
    // A file alone is as it should be.
    let password = "      POSTGRES_PASSWORD: ${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}\n";
    let text = REFERENCE
        .replacen(
            password,
            "      POSTGRES_PASSWORD_FILE: /run/secrets/pw\n",
            1,
        )
        .replacen(SERVER, &format!("{SERVER}    secrets: [pw]\n"), 1)
        + "secrets: {pw: {file: ./pw}}\n";
    let deployment = Deployment::new(&text);
    deployment.write("pw", "c4nary-of-a-file");
    let found = findings(&check(&deployment, &[]).json());
    assert!(
        !found.iter().any(|found| found.contains("refuses to start")),
        "{found:#?}"
    );
}

/// What a hook is given beside its container's variables counts for its programs.
#[test]
fn a_hooks_own_environment_is_read() {
    for (hook, said) in [
        (
            "{command: [psql, -c, SELECT 1], environment: {PGHOST: simply-kaspa-db}}",
            true,
        ),
        (
            "{command: [psql, -c, SELECT 1], environment: [PGHOST=simply-kaspa-db]}",
            true,
        ),
        (
            "{command: [seed], environment: {URL: 'postgres://k_social_user@simply-kaspa-db/ksocial'}}",
            true,
        ),
        (
            "{command: [psql, -c, SELECT 1], environment: {PGHOST: k-social-db}}",
            false,
        ),
    ] {
        let text = REFERENCE.replacen(SERVER, &format!("{SERVER}    post_start: [{hook}]\n"), 1);
        let found = findings(&check(&Deployment::new(&text), &[]).json());
        let told = found.iter().any(|found| {
            found.contains("wrong-connection") && found.contains("container simply-kaspa-db")
        });
        assert_eq!(told, said, "{hook}: {found:#?}");
    }
}

/// A password that only a hook is given is judged as any other, and once where it is the server's own.
#[test]
fn a_hooks_passwords_are_judged() {
    let default = "k-social-db (k-indexer) has";
    for (hook, said) in [
        (
            "{command: [psql, -c, SELECT 1], environment: {PGPASSWORD: changeme}}",
            Some(default),
        ),
        (
            "{command: [psql, -c, SELECT 1], environment: [PGPASSWORD=k_social_user]}",
            Some(default),
        ),
        (
            "{command: [seed], environment: {URL: 'postgres://k_social_user:changeme@k-social-db/ksocial'}}",
            Some(default),
        ),
        (
            "{command: [psql, 'postgres://k_social_user:changeme@localhost/ksocial']}",
            Some(default),
        ),
        (
            "{command: [psql, -c, SELECT 1], environment: {PGPASSWORD: '${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}'}}",
            None,
        ),
        (
            "{command: [psql, -c, SELECT 1], environment: {PGPASSWORD: '${SEED:?}'}}",
            None,
        ),
        (
            "{command: [psql, -c, SELECT 1], environment: {PGPASSWORD: '${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}'}}",
            Some("have one password"),
        ),
        // One fault: it logs in as another service's role.
        (
            "{command: [psql, -h, simply-kaspa-db, -U, simply_kaspa_user, simply_kaspa], environment: {PGPASSWORD: '${SIMPLY_KASPA_DB_PASSWORD:-simply_kaspa_secure_pass}'}}",
            Some("wrong-connection"),
        ),
    ] {
        for key in ["post_start", "pre_stop"] {
            let text = REFERENCE.replacen(SERVER, &format!("{SERVER}    {key}: [{hook}]\n"), 1);
            let before = findings(&check(&Deployment::new(REFERENCE), &[]).json());
            let run = check(&Deployment::new(&text), &[]);
            let found = findings(&run.json());
            let new: Vec<&String> = found
                .iter()
                .filter(|found| !before.contains(*found))
                .collect();
            match (said, new.as_slice()) {
                (None, []) => {}
                (Some(said), [only]) => assert!(only.contains(said), "{hook}: {only}"),
                // A published password that two services have is both.
                (Some(said), [_, two]) if said.contains("one password") => {
                    assert!(two.contains(said), "{hook}: {two}");
                }
                _ => panic!("{key}: {hook}: {new:#?}"),
            }
            assert!(!run.out.contains("changeme"), "{hook}");
        }
    }
}

/// What stands in no service's part of a file keeps every service from being looked at.
#[test]
fn a_fault_of_the_file_is_told_of_every_service() {
    let text = REFERENCE.replacen("\nvolumes:\n  k-social", "\nvolums:\n  k-social", 1);
    let run = check(&Deployment::new(&text), &[]);
    let report = run.json();
    let of: Vec<&str> = report["not_checked"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|gap| gap["reason"].as_str().unwrap().contains("volums is no key"))
        .map(|gap| gap["service"].as_str().unwrap())
        .collect();
    assert_eq!(
        of.len(),
        report["services"].as_array().unwrap().len(),
        "{of:?}"
    );
    assert!(
        gaps(&run)
            .iter()
            .any(|gap| gap.contains("did you mean volumes?"))
    );
    // It is one cause, and told in one line.
    let run = Deployment::new(&text).run(&["check"], &[]);
    assert_eq!(
        run.out.matches("volums is no key").count(),
        1,
        "{}",
        run.out
    );
    let causes = gaps_of_all(&report);
    assert!(
        run.out.contains(&format!(", {causes} not checked,")),
        "{}",
        run.out
    );
}

/// How many things were not checked: what is said of several services counts once.
fn gaps_of_all(report: &serde_json::Value) -> usize {
    let gaps = report["not_checked"].as_array().unwrap().iter();
    let causes: std::collections::BTreeSet<String> = gaps
        .map(|gap| format!("{} {}", gap["rule"], gap["reason"]))
        .collect();
    causes.len()
}

/// A large deployment takes a moment: what is asked of every connection does not go through all containers again.
#[test]
fn many_services_with_many_urls_take_no_time() {
    let mut manifest = "version = 1\nsets = \"sets\"\n".to_owned();
    let mut compose = "services:\n".to_owned();
    let deployment = Deployment::new("");
    for i in 0..400 {
        manifest.push_str(&format!("\n[services.s{i}]\nstore = \"postgres\"\nset = \"s{i}\"\ndatabase = \"d{i}\"\nrole = \"r{i}\"\nhost = \"localhost\"\nport = {}\n", 6000 + i));
        deployment.write(&format!("sets/s{i}/V1__a.sql"), "SELECT 1;");
        compose.push_str(&format!("  s{i}-db:\n    image: postgres:17.1\n    environment: {{POSTGRES_DB: d{i}, POSTGRES_USER: r{i}, POSTGRES_PASSWORD: xx{i}yy}}\n  s{i}:\n    image: x:1\n    environment:\n"));
        for j in 0..30 {
            compose.push_str(&format!(
                "      URL{j}: postgres://r{i}:xx{i}yy@s{i}-db:5432/d{i}?a={j}\n"
            ));
        }
    }
    deployment.write("dbctl.toml", &manifest);
    deployment.write("compose.yaml", &compose);
    // The processor's time: the machine may be busy.
    let timed = std::process::Command::new("bash")
        .args([
            "-c",
            "TIMEFORMAT=%U; time \"$0\" check --format json 2>/dev/null",
        ])
        .arg(env!("CARGO_BIN_EXE_dbctl"))
        .current_dir(deployment.path())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&timed.stdout).unwrap();
    assert_eq!(report["services"].as_array().unwrap().len(), 400);
    let said = String::from_utf8_lossy(&timed.stderr);
    let seconds: f64 = said.trim().replace(',', ".").parse().unwrap();
    // Unoptimised it took half a minute where every pair of containers was looked at, and takes a second.
    assert!(seconds < 8.0, "{seconds} s");
}
