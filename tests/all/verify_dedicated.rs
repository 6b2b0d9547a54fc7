//! `verify` where each service has a server of its own: what leads from one cluster into another, and what was left in the wrong one.

use dbctl::sandbox::Server;

use crate::lab::{K, Lab, R, S, binaries, password, psql, start};
use crate::verify_cases::{assert_clean, database_of, fill, list, shown, text, verify};

/// Three servers, and a lab whose services are spread over them.
struct Dedicated {
    servers: [(&'static str, Server); 3],
    lab: Lab,
}

impl Dedicated {
    fn new() -> Self {
        let binaries = binaries(17, true).expect("PostgreSQL 17 with TimescaleDB: run ./test.sh");
        let servers = [(K, true), (S, true), (R, false)]
            .map(|(service, timescaledb)| (service, start(&binaries, timescaledb, &[])));
        let mut lab = Lab::on(&servers[0].1, "timescaledb");
        let first = format!("port = {}", servers[0].1.port());
        let mut manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
        for ((service, server), key) in
            servers
                .iter()
                .zip(["K_SOCIAL", "SIMPLY_KASPA", "RGB_USERS"])
        {
            let (head, tail) = manifest
                .split_once(&format!("[services.{service}]"))
                .unwrap();
            let own = tail.replacen(&first, &format!("port = {}", server.port()), 1);
            manifest = format!("{head}[services.{service}]{own}");
            let admin = server.admin_url("postgres").expose().to_owned();
            lab.env.insert(format!("{key}_ADMIN"), admin);
        }
        lab.write("dbctl.toml", manifest);
        lab.edit("version = 1\n", "version = 1\ntopology = \"dedicated\"\n");
        lab.run(&["provision", "-q"]).exits(0);
        lab.run(&["migrate", "-q"]).exits(0);
        Self { servers, lab }
    }

    fn server(&self, service: &str) -> &Server {
        let found = self.servers.iter().find(|(name, _)| *name == service);
        &found.unwrap().1
    }

    /// Runs SQL as the superuser in this service's database.
    fn sql(&self, service: &str, sql: &str) {
        let mut sql = fill(&self.lab, sql);
        for (name, service, role) in [
            ("k", K, "k_social_user"),
            ("s", S, "simply_kaspa_user"),
            ("r", R, "rgb_user"),
        ] {
            let port = self.server(service).port().to_string();
            let password = password(role).replace('\'', "''");
            sql = sql.replace(&format!("{{{name}_port}}"), &port);
            sql = sql.replace(&format!("{{{name}_password}}"), &password);
        }
        let database = self.lab.db(database_of(service));
        let url = self.server(service).admin_url(&database);
        psql(self.lab.bin(), url.expose(), &sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// One thing that is planted in one service's cluster, and the rules that must speak about it with the service that each names.
struct Vector {
    service: &'static str,
    plant: &'static str,
    mend: &'static str,
    rules: &'static [(&'static str, &'static str, Option<&'static str>)],
}

const ERROR: &str = "error";
const WARNING: &str = "warning";

const VECTORS: &[Vector] = &[
    Vector {
        service: S,
        plant: "CREATE TABLE public.k_posts (id bigint)",
        mend: "DROP TABLE public.k_posts",
        rules: &[("bleed/foreign-object", ERROR, Some(K))],
    },
    Vector {
        service: K,
        plant: "CREATE TABLE public.ledger_rows (address text NOT NULL, balance bigint NOT NULL, created_at timestamptz, first_seen_at timestamptz, last_seen_at timestamptz, \
          total_received numeric(38,0), total_sent numeric(38,0), transaction_count bigint, updated_at timestamptz, utxo_count bigint, note text)",
        mend: "DROP TABLE public.ledger_rows",
        rules: &[("bleed/same-shape", ERROR, Some(S))],
    },
    Vector {
        service: K,
        plant: "CREATE SCHEMA legacy; CREATE TABLE legacy.blocks (id bigint)",
        mend: "DROP SCHEMA legacy CASCADE",
        rules: &[("bleed/foreign-object", ERROR, Some(S))],
    },
    Vector {
        service: K,
        plant: "CREATE VIEW public.transactions AS SELECT * FROM public.k_transactions",
        mend: "DROP VIEW public.transactions",
        rules: &[("bleed/foreign-object", ERROR, Some(S))],
    },
    Vector {
        service: R,
        plant: "CREATE VIEW public.k_votes_backup_2026 AS SELECT 1 AS a",
        mend: "DROP VIEW public.k_votes_backup_2026",
        rules: &[("bleed/look-alike", ERROR, Some(K))],
    },
    Vector {
        service: K,
        plant: "CREATE ROLE \"{simply_kaspa_user}\" NOLOGIN; GRANT SELECT ON public.k_posts TO \"{simply_kaspa_user}\"",
        mend: "DROP OWNED BY \"{simply_kaspa_user}\"; DROP ROLE \"{simply_kaspa_user}\"",
        rules: &[
            ("access/foreign-role", ERROR, Some(S)),
            ("access/object-grant", ERROR, Some(S)),
        ],
    },
    Vector {
        service: K,
        plant: "GRANT SELECT ON public.k_posts TO PUBLIC",
        mend: "REVOKE SELECT ON public.k_posts FROM PUBLIC",
        rules: &[("access/object-grant", ERROR, None)],
    },
    Vector {
        service: S,
        plant: "CREATE EXTENSION postgres_fdw; CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{k_port}', dbname '{ksocial}')",
        mend: "DROP EXTENSION postgres_fdw CASCADE",
        rules: &[("link/foreign-server", ERROR, Some(K))],
    },
    Vector {
        service: S,
        plant: "CREATE FUNCTION public.pull() RETURNS void LANGUAGE plpgsql AS $$BEGIN \
          PERFORM * FROM dblink('host=127.0.0.1 port={k_port} password=c4nary-body', 'SELECT 1') AS t(a text); END$$",
        mend: "DROP FUNCTION public.pull()",
        rules: &[("link/reaches-out", ERROR, Some(K))],
    },
    Vector {
        service: S,
        plant: "CREATE SUBSCRIPTION away CONNECTION 'host=127.0.0.1 port={k_port} dbname={ksocial} password=c4nary-subscription' PUBLICATION p WITH (connect = false)",
        mend: "ALTER SUBSCRIPTION away SET (slot_name = NONE); DROP SUBSCRIPTION away",
        rules: &[("link/subscription", ERROR, Some(K))],
    },
    Vector {
        service: K,
        plant: "CREATE PUBLICATION p FOR TABLE public.k_posts",
        mend: "DROP PUBLICATION p",
        rules: &[("link/publication", ERROR, None)],
    },
    Vector {
        service: R,
        plant: "CREATE TABLE public._sqlx_migrations (version bigint)",
        mend: "DROP TABLE public._sqlx_migrations",
        rules: &[("bleed/foreign-tool-history", WARNING, None)],
    },
    Vector {
        service: K,
        plant: "INSERT INTO public.refinery_schema_history VALUES (6, 'addresses', '2026-01-01T00:00:00Z', '1')",
        mend: "DELETE FROM public.refinery_schema_history WHERE version = 6",
        rules: &[("bleed/foreign-history", ERROR, Some(S))],
    },
    Vector {
        service: K,
        plant: "CREATE ROLE \"{simply_kaspa_user}\" NOLOGIN; GRANT \"{k_social_user}\" TO \"{simply_kaspa_user}\"",
        mend: "DROP ROLE \"{simply_kaspa_user}\"",
        rules: &[("access/foreign-role", ERROR, Some(S))],
    },
    Vector {
        service: K,
        plant: "GRANT pg_execute_server_program TO \"{k_social_user}\"",
        mend: "REVOKE pg_execute_server_program FROM \"{k_social_user}\"",
        rules: &[("access/membership", ERROR, None)],
    },
    Vector {
        service: K,
        plant: "CREATE ROLE \"{simply_kaspa_user}\" LOGIN PASSWORD '{s_password}'; GRANT CONNECT ON DATABASE \"{ksocial}\" TO \"{simply_kaspa_user}\"",
        mend: "DROP OWNED BY \"{simply_kaspa_user}\"; DROP ROLE \"{simply_kaspa_user}\"",
        rules: &[
            ("access/foreign-role", ERROR, Some(S)),
            ("access/foreign-connect", ERROR, Some(S)),
            // That the way is open was tried as well: it is the same finding.
        ],
    },
    Vector {
        service: R,
        plant: "CREATE SCHEMA \"{ksocial}\"",
        mend: "DROP SCHEMA \"{ksocial}\"",
        rules: &[("bleed/foreign-schema-name", ERROR, Some(K))],
    },
    Vector {
        service: S,
        plant: "CREATE DATABASE \"{ksocial}\"",
        mend: "DROP DATABASE \"{ksocial}\"",
        rules: &[("identity/foreign-database", ERROR, Some(K))],
    },
    Vector {
        service: S,
        plant: "CREATE DATABASE \"Ksocial_{suffix}\"",
        mend: "DROP DATABASE \"Ksocial_{suffix}\"",
        rules: &[("identity/look-alike-database", WARNING, Some(K))],
    },
    Vector {
        service: S,
        plant: "CREATE EXTENSION dblink",
        mend: "DROP EXTENSION dblink",
        rules: &[("link/extension", ERROR, None)],
    },
];

#[test]
fn what_leads_from_one_cluster_into_another_is_found() {
    let system = Dedicated::new();
    assert_clean(&system.lab);
    for vector in VECTORS {
        system.sql(vector.service, vector.plant);
        let report = verify(&system.lab, &[]);
        let mut found: Vec<(&str, &str, Option<&str>)> = list(&report, "findings")
            .iter()
            .map(|found| {
                assert_eq!(text(found, "service"), vector.service, "{found}");
                (
                    text(found, "rule"),
                    text(found, "severity"),
                    found["belongs_to"].as_str(),
                )
            })
            .collect();
        found.sort_unstable();
        let mut expected = vector.rules.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{}\n{}", vector.plant, shown(&report));
        assert_eq!(
            list(&report, "not_checked").len(),
            0,
            "{}\n{}",
            vector.plant,
            shown(&report)
        );
        system.sql(vector.service, vector.mend);
    }
    assert_clean(&system.lab);
}

/// A service that is not let in has no neighbour that could tell why: its administrator can.
#[test]
fn why_a_service_is_not_let_in_is_told_by_its_administrator() {
    let system = Dedicated::new();
    for (plant, mend, rule) in [
        (
            "SET password_encryption = 'md5'; ALTER ROLE \"{k_social_user}\" PASSWORD '{k_password}'",
            "SET password_encryption = 'scram-sha-256'; ALTER ROLE \"{k_social_user}\" PASSWORD '{k_password}'",
            "access/weak-password",
        ),
        (
            "ALTER DATABASE \"{ksocial}\" OWNER TO postgres",
            "ALTER DATABASE \"{ksocial}\" OWNER TO \"{k_social_user}\"",
            "access/database-owner",
        ),
    ] {
        assert_clean(&system.lab);
        system.sql(K, plant);
        let report = verify(&system.lab, &[]);
        let [found] = list(&report, "findings") else {
            panic!("{}", shown(&report));
        };
        assert_eq!((text(found, "rule"), text(found, "service")), (rule, K));
        let not_checked = list(&report, "not_checked");
        assert!(
            not_checked
                .iter()
                .any(|gap| text(gap, "rule") == rule && text(gap, "service") == K),
            "{}",
            shown(&report)
        );
        system.sql(K, mend);
    }
    assert_clean(&system.lab);
}

/// Where the manifest leaves open who shares a server with whom, a service that was seen elsewhere is not at home here, and one that was
/// not looked at may be.
#[test]
fn a_database_left_over_from_another_service() {
    let system = Dedicated::new();
    system
        .lab
        .edit("topology = \"dedicated\"", "topology = \"any\"");
    assert_clean(&system.lab);
    system.sql(S, "CREATE DATABASE \"{ksocial}\"");
    let report = verify(&system.lab, &[]);
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report));
    };
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "service")
        ),
        ("identity/foreign-database", ERROR, S)
    );
    assert_eq!(verify(&system.lab, &["--service", S])["status"], "pass");
    assert!(list(&verify(&system.lab, &["--service", S]), "findings").is_empty());
    system
        .lab
        .edit("topology = \"any\"", "topology = \"dedicated\"");
    let report = verify(&system.lab, &["--service", S]);
    assert_eq!(
        text(&list(&report, "findings")[0], "rule"),
        "identity/foreign-database"
    );
    system
        .lab
        .edit("topology = \"dedicated\"", "topology = \"shared\"");
    let report = verify(&system.lab, &[]);
    assert!(
        list(&report, "findings")
            .iter()
            .all(|found| text(found, "rule") != "identity/foreign-database"),
        "{}",
        shown(&report)
    );
    system.sql(S, "DROP DATABASE \"{ksocial}\"");
    system
        .lab
        .edit("topology = \"shared\"", "topology = \"dedicated\"");
    assert_clean(&system.lab);
}

/// The container images make the service's role the server's superuser: alone in its server it reaches nobody else.
#[test]
fn a_superuser_alone_in_its_server_is_a_warning() {
    let system = Dedicated::new();
    system.sql(K, "ALTER ROLE \"{k_social_user}\" SUPERUSER");
    let report = verify(&system.lab, &[]);
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report));
    };
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "service")
        ),
        ("access/superuser", WARNING, K)
    );
    assert_eq!(list(&report, "not_checked").len(), 0, "{}", shown(&report));
    system.sql(K, "ALTER ROLE \"{k_social_user}\" NOSUPERUSER");
    assert_clean(&system.lab);
}
