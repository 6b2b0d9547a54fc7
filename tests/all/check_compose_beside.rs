//! What stands beside the services of a deployment: monitors with lists of URLs, programs with servers of their own, variables that are half
//! known, and images that are built.

use crate::check_compose::{Deployment, REFERENCE, findings};
use crate::check_compose_files::{check, gaps};

/// The reference with more services.
fn beside(services: &str) -> Deployment {
    Deployment::new(&REFERENCE.replacen(
        "\nnetworks:\n  back:",
        &format!("\n{services}\nnetworks:\n  back:"),
        1,
    ))
}

/// Monitors take their URLs as a list in one variable.
#[test]
fn every_url_of_a_list_is_read() {
    let k = "postgresql://k_social_user:${K_SOCIAL_DB_PASSWORD:?}@k-social-db:5432/ksocial?sslmode=disable";
    let s =
        "postgresql://simply_kaspa_user:${SIMPLY_KASPA_DB_PASSWORD:?}@simply-kaspa-db/simply_kaspa";
    for list in [
        format!("{k},{s}"),
        format!("{k};{s}"),
        format!("'{k}, {s}'"),
        format!("jdbc:{k}|jdbc:{s}"),
    ] {
        let deployment = beside(&format!(
            "  exporter:\n    image: example/postgres-exporter:1\n    networks: [back]\n    environment:\n      DATA_SOURCE_NAME: {list}\n"
        ));
        let run = check(&deployment, &[]);
        let found = findings(&run.json());
        assert!(
            found.iter().any(|finding| finding.contains(
                "warning compose/common-client of simply-kaspa-indexer: exporter, which is no service's"
            )),
            "{list}: {found:#?}"
        );
        assert_eq!(gaps(&run), Vec::<String>::new(), "{list}");
    }
    // Several hosts of one URL are one URL.
    let deployment = beside(
        "  exporter:\n    image: example/postgres-exporter:1\n    networks: [back]\n    environment:\n      DATA_SOURCE_NAME: postgresql://k_social_user@k-social-db:5432,k-social-db/ksocial\n",
    );
    let found = findings(&check(&deployment, &[]).json());
    assert!(
        !found.iter().any(|finding| finding.contains("exporter")),
        "{found:#?}"
    );
}

/// A program with a server of its own has nothing to do with a service that has none here.
#[test]
fn a_server_of_another_program_is_nobodys() {
    let own = "  metabase:\n    image: metabase/metabase:v0.50\n    environment:\n      MB_DB_DBNAME: metabase\n      MB_DB_USER: metabase\n      \
               MB_DB_PASS: ${MB:?}\n      MB_DB_HOST: metabase-db\n  metabase-db:\n    image: postgres:17.2\n    environment: {POSTGRES_USER: \
               metabase, POSTGRES_DB: metabase, POSTGRES_PASSWORD: '${MB:?}'}\n    volumes: ['./mb:/var/lib/postgresql/data']\n";
    let run = check(&beside(own), &[]);
    assert_eq!(gaps(&run), Vec::<String>::new());
    assert!(
        !findings(&run.json())
            .iter()
            .any(|finding| finding.contains("metabase")),
        "{:#?}",
        findings(&run.json())
    );
    // Without the program that asks for it, or with another database, it may be anybody's.
    for unclear in [
        own.replacen("MB_DB_HOST: metabase-db", "MB_DB_HOST: elsewhere", 1),
        own.replacen("POSTGRES_DB: metabase", "POSTGRES_DB: nodes", 1),
    ] {
        let gaps = gaps(&check(&beside(&unclear), &[]));
        assert!(
            gaps.iter().any(|gap| gap.contains(
                "metabase-db is a PostgreSQL server, and nothing tells whether it is rgb-lightning-node's"
            )),
            "{unclear}: {gaps:#?}"
        );
    }
}

/// A password of `.env` with a dollar in it is set, though not all of it is known here.
#[test]
fn a_variable_that_is_known_in_part_is_set() {
    let deployment = Deployment::new(REFERENCE);
    deployment.write(
        ".env",
        "K_SOCIAL_DB_PASSWORD=q7$NOWHERE-x81h\nSIMPLY_KASPA_DB_PASSWORD=\"r8${NOWHERE}-y92k\"\n",
    );
    let passwords = |deployment: &Deployment| -> Vec<String> {
        findings(&check(deployment, &[]).json())
            .into_iter()
            .filter(|finding| finding.contains("password"))
            .collect()
    };
    assert_eq!(passwords(&deployment), Vec::<String>::new());
    // Two that are equal in what is known and in what is not are equal.
    deployment.write(
        ".env",
        "K_SOCIAL_DB_PASSWORD=q7$NOWHERE-x81h\nSIMPLY_KASPA_DB_PASSWORD=q7${NOWHERE}-x81h\n",
    );
    let found = passwords(&deployment);
    assert!(
        found.len() == 1 && found[0].contains("compose/repeated-password"),
        "{found:#?}"
    );
}

#[test]
fn an_image_that_is_built_is_called_so() {
    let compose = REFERENCE.replacen(
        "  image: timescale/timescaledb:latest-pg17\n",
        "  build: ./server\n",
        1,
    );
    let gaps = gaps(&check(&Deployment::new(&compose), &[]));
    assert!(
        gaps.iter().any(|gap| gap
            == "whether the image that is built for k-social-db has TimescaleDB cannot be told from its name"),
        "{gaps:#?}"
    );
}

/// Two services that the manifest puts into one server: that is one fault, or none, and no wrong port, name or way.
#[test]
fn a_server_that_the_manifest_gives_to_two_services() {
    let compose = "services:\n  db:\n    image: postgres:17.2\n    environment: {POSTGRES_USER: admin, POSTGRES_PASSWORD: '${PW:?}'}\n    \
                   healthcheck: {test: [CMD, pg_isready]}\n    ports: ['127.0.0.1:6502:5432']\n    volumes: ['data:/var/lib/postgresql/data']\n  \
                   a:\n    image: ex/a:1\n    environment: {DATABASE_URL: 'postgres://a@db:5432/a'}\n    depends_on: {db: {condition: service_healthy}}\n  \
                   b:\n    image: ex/b:1\n    environment: {DATABASE_URL: 'postgres://b@db:5432/b'}\n    depends_on: {db: {condition: service_healthy}}\n\
                   volumes: {data: {}}\n";
    let service = |name: &str| {
        format!(
            "[services.{name}]\nstore = \"postgres\"\ndatabase = \"{name}\"\nrole = \"{name}\"\nhost = \"localhost\"\nport = 6502\n\
             container = \"db\"\nmanaged = \"service\"\n"
        )
    };
    for (topology, found) in [
        ("shared", &[][..]),
        (
            "any",
            &["warning compose/shared-server of b: b and a share the server db"][..],
        ),
        (
            "dedicated",
            &["error compose/shared-server of b: b and a share the server db"][..],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "version = 1\ntopology = \"{topology}\"\n{}{}",
            service("a"),
            service("b")
        );
        std::fs::write(folder.path().join("dbctl.toml"), manifest).unwrap();
        std::fs::write(folder.path().join("compose.yaml"), compose).unwrap();
        let output = crate::lab::dbctl(folder.path())
            .args(["check", "--format", "json"])
            .output()
            .unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap();
        let seen: Vec<String> = findings(&report)
            .into_iter()
            .filter(|finding| finding.contains(" compose/"))
            .collect();
        assert_eq!(seen, found, "{topology}");
    }
}
