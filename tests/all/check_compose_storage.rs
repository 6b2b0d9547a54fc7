//! Whether a server's data outlives its container: the image says where it keeps it.

use crate::check_compose::{Deployment, REFERENCE, findings};
use crate::side_by_side::each;

const MOUNT: &str = "k-social-db-data:/var/lib/postgresql/data";

/// Image, where the volume is mounted, what is said; nothing where it is right.
const CASES: &[(&str, &str, Option<&str>)] = &[
    (
        "timescale/timescaledb:2.19.3-pg17",
        "/var/lib/postgresql/data",
        None,
    ),
    (
        "timescale/timescaledb:2.23.0-pg18",
        "/var/lib/postgresql",
        None,
    ),
    (
        "timescale/timescaledb:2.23.0-pg18",
        "/var/lib/postgresql/18",
        None,
    ),
    (
        "timescale/timescaledb:2.23.0-pg18",
        "/var/lib/postgresql/data",
        Some("in /var/lib/postgresql/18/docker, where timescale/timescaledb:2.23.0-pg18 keeps it"),
    ),
    (
        "postgres:18",
        "/var/lib/postgresql/data",
        Some("in /var/lib/postgresql/18/docker, where postgres:18 keeps it"),
    ),
    // The image has a volume of its own below it.
    (
        "postgres:17.6",
        "/var/lib/postgresql",
        Some("puts one of its own on /var/lib/postgresql/data"),
    ),
    (
        "timescale/timescaledb-ha:pg17",
        "/home/postgres/pgdata/data",
        None,
    ),
    (
        "timescale/timescaledb-ha:pg17",
        "/home/postgres/pgdata",
        None,
    ),
    (
        "timescale/timescaledb-ha:pg17",
        "/var/lib/postgresql/data",
        Some("in /home/postgres/pgdata/data"),
    ),
    ("bitnami/postgresql:17", "/bitnami/postgresql", None),
    (
        "bitnami/postgresql:17",
        "/var/lib/postgresql/data",
        Some("in /bitnami/postgresql/data"),
    ),
    // Which version it is nobody can tell.
    ("postgres:latest", "/var/lib/postgresql/data", None),
    ("postgres", "/var/lib/postgresql", None),
    ("postgres:${PG:?}", "/var/lib/postgresql/data", None),
    ("postgres:${PG:-18}", "/var/lib/postgresql", None),
    (
        "registry.example/k/postgres:18",
        "/var/lib/postgresql/data",
        None,
    ),
];

#[test]
fn the_image_says_where_its_data_lies() {
    assert!(REFERENCE.contains(MOUNT));
    each(CASES, |(image, target, said)| {
        let text = REFERENCE.replace(MOUNT, &format!("k-social-db-data:{target}"));
        let text = with_image(&text, image);
        let deployment = Deployment::new(&text);
        let found = findings(&deployment.check());
        let told: Vec<&String> = found
            .iter()
            .filter(|finding| finding.contains("compose/unmounted-storage"))
            .collect();
        match (said, told.as_slice()) {
            (None, []) => {}
            (Some(said), [only]) => assert!(only.contains(said), "{image}: {only}"),
            _ => panic!("{image} on {target}: {found:#?}"),
        }
    });
}

/// What the container is told wins over its image.
#[test]
fn what_is_told_wins_over_the_image() {
    let told = "POSTGRES_DB: ksocial\n      PGDATA: /var/lib/postgresql/data";
    let text = with_image(REFERENCE, "postgres:18").replace("POSTGRES_DB: ksocial", told);
    let found = findings(&Deployment::new(&text).check());
    assert!(
        !found.iter().any(|finding| finding.contains("unmounted")),
        "{found:#?}"
    );
    // Memory over the volume is what is seen there.
    let mount = format!("      - {MOUNT}\n");
    let both = "      - k-social-db-data:/var/lib/postgresql\n      - {type: tmpfs, target: /var/lib/postgresql/data}\n";
    let found = findings(&Deployment::new(&REFERENCE.replace(&mount, both)).check());
    assert!(
        found.iter().any(|finding| finding.contains("unmounted")),
        "{found:#?}"
    );
}

fn with_image(text: &str, image: &str) -> String {
    let name = "    container_name: k-social-db\n";
    assert!(text.contains(name));
    text.replace(name, &format!("{name}    image: {image}\n"))
}
