//! `check` on compose files in which one text is read in two ways: each fault once, and none where there is none.

use crate::check_compose::{Deployment, REFERENCE, findings};

const K_URL: &str = "      DATABASE_URL: postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}@k-social-db:5432/ksocial\n";
const WRONG_URL: &str =
    "      DATABASE_URL: postgresql://k_social_user:x@simply-kaspa-db:5432/simply_kaspa\n";

/// What is found beside what the reference has, for these changes of it.
fn beside(changes: &[(&str, &str)], files: &[(&str, &str)]) -> Vec<String> {
    let known = findings(&Deployment::new(REFERENCE).check());
    let mut text = REFERENCE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let deployment = Deployment::new(&text);
    for (name, text) in files {
        deployment.write(name, text);
    }
    let found = findings(&deployment.check());
    found.difference(&known).cloned().collect()
}

#[test]
fn what_two_containers_take_from_one_place_is_one_fault() {
    let base = format!(
        "  base:\n    image: example/base:1\n    profiles: [never]\n    environment:\n{WRONG_URL}  dashboard:\n"
    );
    let found = beside(
        &[
            (K_URL, ""),
            ("    container_name: k-indexer\n", "    extends: base\n"),
            ("  dashboard:\n", &base),
        ],
        &[],
    );
    let wrong = found.iter().filter(|one| one.contains("wrong-connection"));
    assert_eq!(wrong.count(), 1, "{found:#?}");
}

#[test]
fn the_default_of_a_host_is_no_published_password() {
    let url = |url: &str| format!("      DATABASE_URL: {url}\n");
    let literal =
        url("postgresql://k_social_user:Zq8-long-and-own@${DB_HOST:-k-social-db}:5432/ksocial");
    let found = beside(&[(K_URL, &literal)], &[]);
    assert!(
        !found.iter().any(|one| one.contains("DB_HOST")),
        "{found:#?}"
    );
    let whole =
        url("${K_URL:-postgresql://k_social_user:Zq8-l%40ng-and-own@k-social-db:5432/ksocial}");
    let found = beside(&[(K_URL, &whole)], &[]);
    assert!(
        found.iter().any(|one| one.contains("default of K_URL")),
        "{found:#?}"
    );
}

#[test]
fn a_port_that_is_not_of_tcp_publishes_no_server() {
    let found = beside(
        &[(
            "      - \"${K_SOCIAL_DB_PORT:-5433}:5432\"\n",
            "      - \"5434:5432/udp\"\n",
        )],
        &[],
    );
    assert!(!found.iter().any(|one| one.contains("5434")), "{found:#?}");
}

/// Docker Compose does not merge what it includes with what is declared beside it.
#[test]
fn what_an_included_file_declares_in_another_way_is_not_checked() {
    let head = "name: aio\n";
    for (included, refused) in [
        (
            "services:\n  dashboard:\n    image: example/other:1\n",
            true,
        ),
        ("networks:\n  back:\n    driver: bridge\n", false),
        ("networks:\n  back:\n    driver: overlay\n", true),
    ] {
        let text = REFERENCE.replacen(head, "name: aio\ninclude: [sub/c.yaml]\n", 1);
        let deployment = Deployment::new(&text);
        deployment.write("sub/c.yaml", included);
        let report = deployment.check();
        let gaps = report["not_checked"].as_array().unwrap();
        let told = gaps.iter().any(|gap| {
            let reason = gap["reason"].as_str().unwrap();
            reason.contains("declared in another way in sub/c.yaml")
        });
        assert_eq!(told, refused, "{included}\n{gaps:#?}");
    }
}

/// An exporter of figures is told the service's role, and is no part of the service.
#[test]
fn a_tool_beside_the_service_may_start_in_the_common_database() {
    let tool = |database: &str| {
        let url = format!(
            "postgresql://k_social_user:${{K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}}@k-social-db:5432/{database}?sslmode=disable"
        );
        let tool = format!(
            "  exporter:\n    image: example/exporter:1\n    environment:\n      DATA_SOURCE_NAME: {url}\n    networks: [back]\n  dashboard:\n"
        );
        beside(&[("  dashboard:\n", &tool)], &[])
    };
    let quiet = |found: &[String]| !found.iter().any(|one| one.contains("wrong-connection"));
    assert!(quiet(&tool("postgres")));
    assert!(!quiet(&tool("metrics")));
    let own = K_URL.replace("/ksocial", "/postgres");
    assert!(!quiet(&beside(&[(K_URL, &own)], &[])));
}
