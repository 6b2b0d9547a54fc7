//! Groups `access` and `identity` on real servers: who may enter, who owns what, and which database this is.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::lab::{CANARY, K, Lab, R, S, binaries, start};
use crate::verify_cases::{Case, assert_clean, case, follow, list, play, shown, text, verify, zoo};

const OWNER: &str = "access/object-owner";

pub const CASES: &[Case] = &[
    case("identity/look-alike-database", "warning", K, ("database", "", "Ksocial_{suffix}"), "CREATE DATABASE \"Ksocial_{suffix}\"")
        .says(&["Ksocial_{suffix}", "{ksocial}"]),
    case("identity/look-alike-database", "info", K, ("database", "", "{ksocial}_old"), "CREATE DATABASE \"{ksocial}_old\"")
        .says(&["copy of it", "{ksocial}"]),
    case("identity/foreign-stamp", "error", K, ("database", "", "{ksocial}"), "UPDATE dbctl.identity SET service = 'rgb-lightning-node', set_name = 'zoo'")
        .of(R)
        .says(&[R, K, "zoo", "clock"]),
    case("identity/foreign-stamp", "error", K, ("database", "", "{ksocial}"), "COMMENT ON DATABASE \"{ksocial}\" IS 'of 2026; dbctl:service=rgb-lightning-node'")
        .of(R)
        .says(&[R, K, "comment"]),
    case("access/database-owner", "error", R, ("database", "", "{rgb_lightning_node}"), "ALTER DATABASE \"{rgb_lightning_node}\" OWNER TO \"{simply_kaspa_user}\"; \
          GRANT CONNECT ON DATABASE \"{rgb_lightning_node}\" TO \"{rgb_user}\"")
        .of(S)
        .says(&["{rgb_lightning_node}", "{simply_kaspa_user}", "{rgb_user}"]),
    case("access/public-connect", "error", K, ("database", "", "{ksocial}"), "GRANT CONNECT, TEMPORARY ON DATABASE \"{ksocial}\" TO PUBLIC").says(&["PUBLIC", "{ksocial}", "{simply_kaspa}"]),
    case("access/public-database", "warning", S, ("database", "", "{simply_kaspa}"), "GRANT CREATE, TEMPORARY ON DATABASE \"{simply_kaspa}\" TO PUBLIC").says(&["PUBLIC", "CREATE", "TEMPORARY"]),
    case("access/foreign-connect", "error", K, ("database", "", "{ksocial}"), "GRANT CONNECT ON DATABASE \"{ksocial}\" TO \"{simply_kaspa_user}\"")
        .of(S)
        .says(&["{simply_kaspa_user}", "CONNECT", "{ksocial}"]),
    case("access/foreign-connect", "error", K, ("database", "", "{ksocial}"), "CREATE ROLE \"readers_{suffix}\"; GRANT \"readers_{suffix}\" TO \"{simply_kaspa_user}\"; \
          GRANT CONNECT ON DATABASE \"{ksocial}\" TO \"readers_{suffix}\"")
        .of(S)
        .says(&["readers_{suffix}", "{simply_kaspa_user}"])
        .then("DROP ROLE \"readers_{suffix}\""),
    case("access/public-schema-create", "error", R, ("schema", "", "public"), "GRANT CREATE ON SCHEMA public TO PUBLIC").says(&["PUBLIC", "public", "{rgb_lightning_node}"]),
    case("access/public-schema-create", "error", R, ("schema", "", "public"), "GRANT CREATE ON SCHEMA public TO \"{k_social_user}\"").of(K).says(&["{k_social_user}"]),
    case(OWNER, "error", R, ("table", "public", "cages"), "ALTER TABLE public.cages OWNER TO \"{simply_kaspa_user}\"").of(S).says(&["public.cages", "{simply_kaspa_user}", S]),
    case(OWNER, "error", R, ("function", "public", "touch"), "ALTER FUNCTION public.touch() OWNER TO \"{k_social_user}\"").of(K).says(&["public.touch()", "{k_social_user}"]),
    case(OWNER, "error", S, ("table", "public", "blocks"), "INSERT INTO public.blocks SELECT * FROM public.blocks; ALTER TABLE public.blocks OWNER TO \"{rgb_user}\"").of(R).says(&["public.blocks"]),
    case(OWNER, "error", R, ("schema", "", "public"), "ALTER SCHEMA public OWNER TO \"{k_social_user}\"").of(K).says(&["schema public", "{k_social_user}"]),
    // All of one role is one finding, and its remedy gives everything back.
    case(OWNER, "error", R, ("type", "public", "mood"), "ALTER TYPE public.mood OWNER TO \"{k_social_user}\"; ALTER DOMAIN public.posint OWNER TO \"{k_social_user}\"; \
          ALTER SEQUENCE public.ticket OWNER TO \"{k_social_user}\"; ALTER VIEW public.sad_animals OWNER TO \"{k_social_user}\"; ALTER MATERIALIZED VIEW public.herd OWNER TO \"{k_social_user}\"; \
          ALTER SCHEMA public OWNER TO \"{k_social_user}\"")
        .of(K)
        .says(&["public.mood", "public.posint", "public.ticket", "public.sad_animals", "public.herd", "schema public"]),
    case("access/superuser", "error", S, ("role", "", "{simply_kaspa_user}"), "ALTER ROLE \"{simply_kaspa_user}\" CREATEDB CREATEROLE").says(&["{simply_kaspa_user}", "CREATEDB", "CREATEROLE"]),
    case("access/superuser", "error", K, ("role", "", "{k_social_user}"), "ALTER ROLE \"{k_social_user}\" SUPERUSER").says(&["SUPERUSER"]),
    case("access/membership", "error", S, ("role", "", "{simply_kaspa_user}"), "GRANT \"{k_social_user}\" TO \"{simply_kaspa_user}\"").of(K).says(&["{simply_kaspa_user}", "{k_social_user}"]),
    case("access/membership", "error", R, ("role", "", "{rgb_user}"), "GRANT pg_read_all_data TO \"{rgb_user}\"").says(&["pg_read_all_data"]),
];

/// Rules that need more than SQL in one database, and the test that plants them.
pub const ELSEWHERE: &[(&str, &str)] = &[
    (
        "identity/wrong-database",
        "verify::the_wrong_database_is_one_finding",
    ),
    (
        "identity/shared-database",
        "verify::two_services_in_one_database_under_two_names",
    ),
    (
        "identity/shared-role",
        "verify_links::a_way_in_that_only_the_attempt_shows",
    ),
    (
        "identity/shared-server",
        "verify::a_dedicated_topology_in_one_server",
    ),
    (
        "identity/foreign-database",
        "verify_dedicated::a_database_left_over_from_another_service",
    ),
    (
        "identity/foreign-schema",
        "exchanged_databases_are_one_finding_each",
    ),
    ("identity/standby", "a_standby_is_said"),
    ("identity/unstamped", "a_lost_stamp_is_said_and_comes_back"),
    (
        "access/default-password",
        "the_published_password_is_a_warning",
    ),
    ("access/trust", "a_line_that_asks_for_no_password"),
    (
        "access/foreign-login",
        "verify_links::a_way_in_that_only_the_attempt_shows",
    ),
    (
        "access/shared-password",
        "verify_links::one_password_for_two",
    ),
    (
        "identity/copy",
        "verify_links::a_copy_of_the_files_is_no_shared_database",
    ),
    (
        "identity/wrong-role",
        "verify_links::the_url_logs_in_as_somebody_else",
    ),
    ("identity/pooler", "poolers"),
    (
        "identity/several-hosts",
        "verify_links::every_host_of_a_url_is_looked_at",
    ),
    (
        "identity/smuggled-setting",
        "verify_links::the_url_brings_a_search_path_along",
    ),
    (
        "link/server-setting",
        "verify_links::settings_that_copy_rows_out",
    ),
    (
        "link/foreign-channel",
        "verify_links::a_channel_of_another_set",
    ),
    (
        "link/replication-slot",
        "verify_links::settings_that_copy_rows_out",
    ),
    (
        "link/replication-origin",
        "verify_links::settings_that_copy_rows_out",
    ),
    (
        "link/prepared-transaction",
        "verify_links::settings_that_copy_rows_out",
    ),
    ("link/job", "verify_links::jobs_that_no_migration_adds"),
    ("drift/not-migrated", "verify_drift"),
    ("drift/pending", "verify_drift"),
    ("sets/stale-lock", "verify_drift"),
    ("allow/expired", "verify::entries_of_the_allow_list"),
    ("allow/unmatched", "verify::entries_of_the_allow_list"),
];

#[test]
fn a_database_that_is_stamped_for_another_service_is_not_compared() {
    let lab = Lab::migrated();
    lab.sql(
        "rgb_lightning_node",
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE public.theirs (id int); \
         UPDATE dbctl.identity SET service = 'lantern', set_name = 'lantern'",
    );
    let report = verify(&lab, &["--service", R]);
    let rules: Vec<&str> = list(&report, "findings")
        .iter()
        .map(|found| text(found, "rule"))
        .collect();
    assert_eq!(rules, ["identity/foreign-stamp"], "{}", shown(&report));
    let why = list(&report, "not_checked")
        .iter()
        .any(|gap| text(gap, "reason").contains("names service lantern"));
    assert!(why, "{}", shown(&report));
}

#[test]
fn every_way_in_is_one_finding_and_its_remedy_closes_it() {
    play(&zoo(), CASES);
}

#[test]
fn every_rule_of_the_catalogue_is_planted_somewhere() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = crate::lab::dbctl(directory.path());
    command.args(["rules", "--format", "json"]);
    let catalogue = crate::lab::finish(command).exits(0).json();
    let planted: Vec<&str> = [
        crate::verify_drift::CASES,
        crate::verify_bleed::CASES,
        crate::verify_bleed::ZOO_CASES,
        crate::verify_links::CASES,
        CASES,
        crate::verify_privileges::CASES,
        crate::verify_shape::CASES,
    ]
    .iter()
    .flat_map(|cases| cases.iter().map(|case| case.rule))
    .chain(ELSEWHERE.iter().map(|(rule, _)| *rule))
    .chain(
        crate::verify_privileges::ELSEWHERE
            .iter()
            .map(|(rule, _)| *rule),
    )
    .chain(crate::verify_shape::ELSEWHERE.iter().copied())
    .chain(crate::verify_links::ELSEWHERE.iter().copied())
    .chain(crate::verify_files::RULES.iter().copied())
    .collect();
    let rules: Vec<&str> = list(&catalogue, "rules")
        .iter()
        .map(|rule| text(rule, "id"))
        .collect();
    assert!(rules.len() >= 45, "{rules:?}");
    // check_sets.rs and check_compose.rs plant those of their groups, and hold themselves to it.
    let beside = |rule: &str| rule.starts_with("sets/") || rule.starts_with("compose/");
    let missing: Vec<&&str> = rules
        .iter()
        .filter(|rule| !planted.contains(rule) && !beside(rule))
        .collect();
    assert!(missing.is_empty(), "rules that no test plants: {missing:?}");
    let gone: Vec<&&str> = planted
        .iter()
        .filter(|rule| !rules.contains(rule))
        .collect();
    assert!(gone.is_empty(), "tests of rules that are gone: {gone:?}");
}

#[track_caller]
fn only(report: &Value) -> &Value {
    match list(report, "findings") {
        [found] => found,
        _ => panic!("{}", shown(report)),
    }
}

#[test]
fn exchanged_databases_are_one_finding_each() {
    let mut lab = Lab::migrated();
    let (k, s) = (lab.db("ksocial"), lab.db("simply_kaspa"));
    // As superuser, for neither role may enter the other's database.
    lab.env
        .insert("K_SOCIAL_URL".to_owned(), lab.admin_url("simply_kaspa"));
    lab.env
        .insert("SIMPLY_KASPA_URL".to_owned(), lab.admin_url("ksocial"));
    lab.edit(
        &format!("database = \"{k}\""),
        "database = \"for a moment\"",
    );
    lab.edit(
        &format!("database = \"{s}\""),
        &format!("database = \"{k}\""),
    );
    lab.edit(
        "database = \"for a moment\"",
        &format!("database = \"{s}\""),
    );
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "fail");
    let found = list(&report, "findings");
    assert_eq!(found.len(), 2, "{}", shown(&report));
    for (found, (service, other, table)) in found.iter().zip([(K, S, "blocks"), (S, K, "k_posts")])
    {
        assert_eq!(
            (
                text(found, "rule"),
                text(found, "severity"),
                text(found, "service"),
                text(found, "belongs_to")
            ),
            ("identity/foreign-schema", "error", service, other)
        );
        assert!(text(found, "message").contains(table), "{found}");
    }
    // Back again, as the remedy says.
    lab.edit(
        &format!("database = \"{k}\""),
        "database = \"for a moment\"",
    );
    lab.edit(
        &format!("database = \"{s}\""),
        &format!("database = \"{k}\""),
    );
    lab.edit(
        "database = \"for a moment\"",
        &format!("database = \"{s}\""),
    );
    lab.env.remove("K_SOCIAL_URL");
    lab.env.remove("SIMPLY_KASPA_URL");
    assert_clean(&lab);
}

/// Where the service's own administrator says it, its neighbour does not.
#[test]
fn a_service_that_another_owner_shuts_out_is_explained_by_its_neighbour() {
    let mut lab = Lab::migrated();
    let admin = lab.env.remove("SIMPLY_KASPA_ADMIN").unwrap();
    let name = lab.db("simply_kaspa");
    // The privileges of the old owner become the new one's.
    lab.sql(
        "postgres",
        &format!("ALTER DATABASE \"{name}\" OWNER TO CURRENT_USER"),
    );
    let report = verify(&lab, &[]);
    let found = only(&report);
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "belongs_to")
        ),
        ("access/database-owner", "error", S)
    );
    assert!(text(found, "message").contains(&name), "{found}");
    assert!(
        list(&report, "not_checked")
            .iter()
            .any(|gap| gap["service"] == S),
        "{}",
        shown(&report)
    );
    lab.sql("postgres", text(found, "remedy"));
    lab.env.insert("SIMPLY_KASPA_ADMIN".to_owned(), admin);
    assert_clean(&lab);
}

/// Whom an owner of another service lets in needs no second word.
#[test]
fn a_service_that_another_services_role_shuts_out_is_one_finding() {
    let lab = Lab::migrated();
    let [name, role] = ["simply_kaspa", "k_social_user"].map(|name| lab.db(name));
    let team = format!("team_{}", lab.suffix);
    for (plant, owner) in [
        (String::new(), &role),
        (
            format!("CREATE ROLE \"{team}\"; GRANT \"{team}\" TO \"{role}\";"),
            &team,
        ),
    ] {
        let plant = format!("{plant} ALTER DATABASE \"{name}\" OWNER TO \"{owner}\"");
        lab.sql("postgres", &plant);
        let report = verify(&lab, &[]);
        let found = only(&report);
        assert_eq!(
            (text(found, "rule"), text(found, "service")),
            ("access/database-owner", S),
            "{found}"
        );
        assert!(text(found, "message").contains(owner), "{found}");
        lab.sql("postgres", text(found, "remedy"));
        assert_clean(&lab);
    }
    lab.sql("postgres", &format!("DROP ROLE \"{team}\""));
}

#[test]
fn a_lost_stamp_is_said_and_comes_back() {
    let lab = Lab::migrated();
    // Emptied, or never there, as after a run of the refinery command line.
    for sql in ["DELETE FROM dbctl.identity", "DROP SCHEMA dbctl CASCADE"] {
        lab.sql("ksocial", sql);
        let report = verify(&lab, &["--fail-on", "info"]);
        assert_eq!(report["status"], "fail");
        let found = only(&report);
        assert_eq!(
            (
                text(found, "rule"),
                text(found, "severity"),
                text(found, "service")
            ),
            ("identity/unstamped", "info", K)
        );
        follow(&lab, &[found]);
        assert_clean(&lab);
    }
}

#[test]
fn the_published_password_is_a_warning() {
    let mut lab = Lab::migrated();
    let published = "c4nary_published";
    lab.edit(
        "password = { env = \"K_SOCIAL_PW\" }",
        &format!("password = {{ env = \"K_SOCIAL_PW\", default = \"{published}\" }}"),
    );
    assert_clean(&lab);
    lab.env.remove("K_SOCIAL_PW");
    lab.sql(
        "ksocial",
        &format!(
            "ALTER ROLE \"{}\" PASSWORD '{published}'",
            lab.db("k_social_user")
        ),
    );
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "pass");
    let found = only(&report);
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "service"),
            text(&found["object"], "name")
        ),
        (
            "access/default-password",
            "warning",
            K,
            lab.db("k_social_user").as_str()
        )
    );
    assert!(text(found, "remedy").contains("K_SOCIAL_PW"));
    lab.env.insert("K_SOCIAL_PW".to_owned(), CANARY.to_owned());
    lab.run(&["provision", "-q"]).exits(0);
    assert_clean(&lab);
}

/// The single service of a server of its own.
pub fn rgb_alone(server: &dbctl::sandbox::Server) -> Lab {
    let lab = Lab::on(server, "postgres");
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let (_, rgb) = manifest
        .split_once("[services.rgb-lightning-node]")
        .unwrap();
    std::fs::write(
        lab.path().join("dbctl.toml"),
        format!("version = 1\n[services.rgb-lightning-node]{rgb}"),
    )
    .unwrap();
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

#[test]
fn a_line_that_asks_for_no_password() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let lab = rgb_alone(&server);
    assert_clean(&lab);
    let hba = server.data_dir().join("pg_hba.conf");
    let before = std::fs::read_to_string(&hba).unwrap();
    for (line, severity, says) in [
        ("host all all 203.0.113.0/24 trust", "error", "203.0.113.0"),
        (
            "host all nobody 127.0.0.1/32 trust",
            "warning",
            "local process",
        ),
    ] {
        std::fs::write(&hba, format!("{line}\n{before}")).unwrap();
        let report = verify(&lab, &[]);
        let found = only(&report);
        assert_eq!(
            (
                text(found, "rule"),
                text(found, "severity"),
                text(&found["object"], "name")
            ),
            ("access/trust", severity, "pg_hba.conf")
        );
        assert!(
            text(found, "message").contains(says) && text(found, "message").contains("line 1 "),
            "{found}"
        );
        // What the remedy says: another method, and a reload.
        std::fs::write(
            &hba,
            format!("{}\n{before}", line.replace("trust", "scram-sha-256")),
        )
        .unwrap();
        follow(&lab, &[found]);
        assert_clean(&lab);
    }
}

#[test]
fn a_standby_is_said() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let lab = rgb_alone(&server);
    let data = server.data_dir();
    std::fs::write(data.join("standby.signal"), "").unwrap();
    control(server.bin(), &data, &["-w", "-m", "fast", "restart"]);
    // The new server is no child of the harness: it is stopped here, whatever the checks say.
    let report = std::panic::catch_unwind(|| verify(&lab, &[]));
    control(server.bin(), &data, &["-w", "-m", "immediate", "stop"]);
    let report = report.unwrap();
    assert_eq!(report["status"], "pass", "{}", shown(&report));
    let found = only(&report);
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "service")
        ),
        ("identity/standby", "info", R)
    );
    assert!(text(found, "message").contains(&lab.db("rgb_lightning_node")));
}

/// `pg_ctl` as the owner of the data directory: it refuses to run as root.
pub(crate) fn control(bin: &Path, data: &Path, args: &[&str]) {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;
    let meta = std::fs::metadata(data).unwrap();
    let mut command = Command::new(bin.join("pg_ctl"));
    command
        .arg("-D")
        .arg(data)
        .arg("-l")
        .arg(data.join("standby.log"))
        .args(args)
        .current_dir("/");
    command.stdout(std::process::Stdio::null());
    if nix::unistd::Uid::effective().is_root() {
        command.uid(meta.uid()).gid(meta.gid());
    }
    assert!(command.status().unwrap().success(), "{args:?}");
}
