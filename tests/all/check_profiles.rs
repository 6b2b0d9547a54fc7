//! `check` on containers that start without their database, as far as profiles tell.

use std::collections::BTreeSet;

use crate::check_compose::{Deployment, REFERENCE, findings};

/// What is found of depends-on, with these profiles for k-indexer and `COMPOSE_PROFILES` as in `.env`.
fn found(client: &str, started: Option<&str>, change: (&str, &str)) -> BTreeSet<String> {
    let at = REFERENCE.find("\n  k-indexer:").unwrap();
    let (before, rest) = REFERENCE.split_at(at);
    let rest = rest
        .replacen("    profiles: [k-social, prod]\n", client, 1)
        .replace(change.0, change.1);
    let deployment = Deployment::new(&format!("{before}{rest}"));
    if let Some(started) = started {
        deployment.write(".env", &format!("COMPOSE_PROFILES={started}\n"));
    }
    let found = findings(&deployment.check());
    let found = found.into_iter();
    found.filter(|one| one.contains("depends-on")).collect()
}

const SAME: (&str, &str) = ("condition: service_healthy", "condition: service_healthy");

#[test]
fn a_client_that_starts_without_its_database_is_found() {
    for (client, started, names) in [
        ("", None, "always starts"),
        ("", Some("explorer"), "COMPOSE_PROFILES starts explorer"),
        (
            "    profiles: [apps]\n",
            Some("apps, explorer"),
            "apps, explorer",
        ),
    ] {
        let found = found(client, started, SAME);
        assert_eq!(found.len(), 1, "{client:?} {started:?} {found:?}");
        assert!(
            found.iter().all(|one| one.starts_with("warning ")
                && one.contains("k-social-db needs profile k-social or prod")
                && one.contains(names)),
            "{found:?}"
        );
    }
}

#[test]
fn profiles_that_can_be_started_together_are_quiet() {
    let optional = (
        "condition: service_healthy",
        "condition: service_healthy\n        required: false",
    );
    for (client, started, change) in [
        ("    profiles: [apps]\n", None, SAME),
        ("    profiles: [apps]\n", Some("apps,k-social"), SAME),
        ("    profiles: [apps]\n", Some("explorer"), SAME),
        ("    profiles: [apps]\n", Some("*"), SAME),
        ("    profiles: [apps]\n", Some(""), SAME),
        ("", Some("prod"), SAME),
        ("", None, optional),
        ("    profiles: [k-social, other]\n", None, SAME),
    ] {
        let found = found(client, started, change);
        assert!(found.is_empty(), "{client:?} {started:?} {found:?}");
    }
}
