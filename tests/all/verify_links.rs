//! Group `link` and what `verify` tries rather than reads, on real servers.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::lab::{CANARY, K, Lab, R, S, binaries, password, start};
use crate::verify_cases::{Case, assert_clean, case, follow, list, play, shown, text, verify};

const REACHES: &str = "link/reaches-out";

/// Rules that tests of their own plant.
pub const ELSEWHERE: &[&str] = &[
    "link/foreign-table",
    "link/replication-slot",
    "link/replication-origin",
    "link/prepared-transaction",
    "link/job",
];

pub const CASES: &[Case] = &[
    // A function's body, in all the ways that it can be written.
    case(REACHES, "error", S, ("function", "public", "k_pull"), "CREATE FUNCTION public.k_pull() RETURNS void LANGUAGE plpgsql AS $$BEGIN \
          PERFORM * FROM dblink('host=127.0.0.1 dbname={ksocial} password=c4nary-body', 'SELECT 1') AS t(k text); END$$")
        .of(K)
        .says(&["public.k_pull()", "calls dblink", "{ksocial}", K]),
    case(REACHES, "error", R, ("function", "public", "hidden"), "CREATE FUNCTION public.hidden() RETURNS void LANGUAGE plpgsql AS $$BEGIN \
          EXECUTE 'SELECT * FROM U&\"dbl\\0069nk\"(' || quote_literal('x') || ')'; END$$")
        .says(&["public.hidden()", "calls dblink"]),
    case(REACHES, "error", K, ("function", "public", "k_export"), "CREATE FUNCTION public.k_export() RETURNS void LANGUAGE plpgsql AS $$BEGIN \
          COPY k_posts TO PROGRAM 'cat'; END$$")
        .says(&["COPY PROGRAM"]),
    // A trigger and its function are one.
    case(REACHES, "error", S, ("function", "public", "push_addr"), "CREATE FUNCTION public.push_addr() RETURNS trigger LANGUAGE plpgsql AS \
          $$BEGIN PERFORM dblink_exec('dbname={ksocial}', 'x'); RETURN NEW; END$$; \
          CREATE TRIGGER push_addr AFTER INSERT ON public.addresses FOR EACH ROW EXECUTE FUNCTION public.push_addr()")
        .of(K)
        .says(&["trigger push_addr on public.addresses", "dblink_exec"]),
    // Everything else that is text.
    case(REACHES, "error", R, ("view", "public", "peek"), "CREATE VIEW public.peek AS SELECT pg_catalog.pg_read_file('/etc/hostname') AS line")
        .says(&["view public.peek", "pg_read_file"]),
    case(REACHES, "error", R, ("constraint", "public", "spy"), "ALTER TABLE public.ln_user_wallets ADD CONSTRAINT spy CHECK (user_id <> pg_read_file('/etc/hostname')) NOT VALID")
        .says(&["spy", "pg_read_file"]),
    case(REACHES, "error", R, ("policy", "public", "spy"), "CREATE POLICY spy ON public.ln_user_wallets USING (user_id <> pg_read_file('/etc/hostname'))")
        .says(&["spy", "pg_read_file"]),
    case(REACHES, "error", R, ("rule", "public", "spy"), "CREATE RULE spy AS ON DELETE TO public.ln_user_wallets DO ALSO SELECT pg_read_file('/etc/hostname')")
        .says(&["spy", "pg_read_file"]),
    case(REACHES, "error", R, ("column", "public", "ln_user_wallets.spy"), "ALTER TABLE public.ln_user_wallets ADD COLUMN spy text; \
          ALTER TABLE public.ln_user_wallets ALTER COLUMN spy SET DEFAULT pg_read_file('/etc/hostname')")
        .says(&["spy", "pg_read_file"]),
    case(REACHES, "error", R, ("function", "public", "peek"), "CREATE FUNCTION public.peek(line text DEFAULT pg_catalog.pg_read_file('/etc/hostname')) RETURNS text LANGUAGE sql AS 'SELECT line'")
        .says(&["public.peek(text)", "pg_read_file"]),
    // Names of functions alone.
    case(REACHES, "error", R, ("function", "public", "gathered"), "CREATE AGGREGATE public.gathered(text) (SFUNC = textcat, STYPE = text, FINALFUNC = pg_catalog.pg_read_file)")
        .says(&["public.gathered(text)", "pg_read_file"]),
    case(REACHES, "error", R, ("operator", "public", "!!@"), "CREATE OPERATOR public.!!@ (RIGHTARG = text, FUNCTION = pg_catalog.pg_read_file)")
        .says(&["!!@", "pg_read_file"]),
    case(REACHES, "error", R, ("function", "public", "peek"), "CREATE FUNCTION public.peek(text) RETURNS text LANGUAGE sql AS 'SELECT pg_read_file($1)'; \
          CREATE OPERATOR public.!!@ (RIGHTARG = text, FUNCTION = public.peek)")
        .says(&["public.peek(text)", "!!@", "pg_read_file"]),
    case("link/native-function", "error", K, ("function", "public", "quiet"), "CREATE FUNCTION public.quiet(text) RETURNS void LANGUAGE internal AS 'pg_reload_conf'")
        .says(&["public.quiet(text)", "pg_reload_conf"]),
    case("link/foreign-name", "warning", K, ("function", "public", "k_grant"), "CREATE FUNCTION public.k_grant() RETURNS void LANGUAGE plpgsql AS \
          $$BEGIN EXECUTE format('GRANT SELECT ON k_posts TO %I', '{simply_kaspa_user}'); END$$")
        .of(S)
        .says(&["public.k_grant()", "{simply_kaspa_user}", S]),
    case("link/foreign-name", "warning", K, ("function", "public", "k_count"), "CREATE FUNCTION public.k_count() RETURNS bigint LANGUAGE plpgsql AS \
          $$DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM transactions_acceptances; RETURN n; END$$")
        .of(S)
        .says(&["public.k_count()", "transactions_acceptances", S]),
    case("link/connection-string", "warning", K, ("table", "public", "k_vars"), "COMMENT ON TABLE public.k_vars IS 'see postgres://{simply_kaspa_user}:c4nary-comment@127.0.0.1/{simply_kaspa}'")
        .of(S)
        .says(&["k_vars", "{simply_kaspa}", "with a password"]),
    case("link/connection-string", "warning", K, ("column", "public", "k_vars.value"), "COMMENT ON COLUMN public.k_vars.value IS 'see postgres://{simply_kaspa_user}:c4nary-comment@127.0.0.1/{simply_kaspa}'")
        .of(S)
        .says(&["column value of table public.k_vars"]),
    case("link/connection-string", "warning", K, ("table", "public", "k_vars"), "COMMENT ON TABLE public.k_vars IS 'log in with user={simply_kaspa_user} password=c4nary-comment'")
        .of(S)
        .says(&["{simply_kaspa_user}, with a password", "the role of simply-kaspa-indexer"]),
    case("link/connection-string", "error", R, ("role", "", "{rgb_user}"), "ALTER ROLE \"{rgb_user}\" SET app.remote = 'host=h dbname={ksocial} password=c4nary-setting'")
        .of(K)
        .says(&["app.remote", "{ksocial}"]),
];

#[test]
fn every_link_is_one_finding_and_its_remedy_ends_it() {
    play(&Lab::migrated(), CASES);
}

#[test]
fn what_a_set_and_an_operator_may_do_is_no_link() {
    let lab = Lab::migrated();
    lab.sql(
        "ksocial",
        "CREATE FUNCTION public.k_help() RETURNS text LANGUAGE sql AS $$SELECT 'transactions are kept; see dblink in the manual'$$; \
         CREATE FUNCTION public.k_note() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'nothing from blocks'; NOTIFY k_own; END$$; \
         COMMENT ON TABLE public.k_vars IS 'the host of the user''s choice, port = any'",
    );
    let report = verify(&lab, &[]);
    for found in list(&report, "findings") {
        assert_eq!(text(found, "rule"), "drift/unknown-object", "{found}");
    }
}

/// A manifest of services of one table each, on this server.
fn own(server: &dbctl::sandbox::Server, names: &[&str]) -> Lab {
    let mut lab = Lab::on(server, "postgres");
    lab.own_services(names);
    lab.run(&[
        "lock",
        "-q",
        "--postgres-bin",
        server.bin().to_str().unwrap(),
    ])
    .exits(0);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    lab
}

#[track_caller]
fn only<'a>(report: &'a Value, rule: &str, severity: &str, service: &str) -> &'a Value {
    let [found] = list(report, "findings") else {
        panic!("{}", shown(report));
    };
    assert_eq!(
        (
            text(found, "rule"),
            text(found, "severity"),
            text(found, "service")
        ),
        (rule, severity, service),
        "{}",
        shown(report)
    );
    found
}

#[track_caller]
fn says(found: &Value, key: &str, words: &[&str]) {
    for word in words {
        assert!(text(found, key).contains(word), "no {word:?} in {found}");
    }
}

/// The settings, slots and transactions that concern a whole server need one of their own.
#[test]
fn settings_that_copy_rows_out() {
    let server = start(
        &binaries(17, false).unwrap(),
        false,
        &[("wal_level", "logical"), ("max_prepared_transactions", "2")],
    );
    let lab = own(&server, &["a", "b"]);
    assert_clean(&lab);
    // A connection string of another kind.
    lab.sql(
        "b",
        "ALTER SYSTEM SET log_line_prefix = '%m db=%d user=%u host=%h '",
    );
    assert_clean(&lab);
    lab.sql("b", "ALTER SYSTEM RESET log_line_prefix");
    let (a, b) = (lab.db("a"), lab.db("b"));
    for (plant, undo, (rule, severity, service), words) in [
        (
            "ALTER SYSTEM SET archive_command = 'cp %p /srv/wal/%f'",
            "ALTER SYSTEM RESET archive_command",
            ("link/server-setting", "error", "a"),
            vec!["archive_command", "/srv/wal"],
        ),
        (
            "ALTER SYSTEM SET primary_conninfo = 'host=elsewhere password=c4nary-conninfo'",
            "ALTER SYSTEM RESET primary_conninfo",
            ("link/server-setting", "error", "a"),
            vec!["primary_conninfo", "elsewhere"],
        ),
        (
            "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements', 'spy'",
            "ALTER SYSTEM RESET shared_preload_libraries",
            ("link/server-setting", "error", "a"),
            vec!["shared_preload_libraries", "spy"],
        ),
        // What every session begins with.
        (
            "ALTER SYSTEM SET search_path = legacy, public",
            "ALTER SYSTEM RESET search_path",
            ("link/server-setting", "error", "a"),
            vec!["search_path", "legacy"],
        ),
        (
            "ALTER SYSTEM SET session_replication_role = 'replica'",
            "ALTER SYSTEM RESET session_replication_role",
            ("link/server-setting", "error", "a"),
            vec!["session_replication_role", "triggers"],
        ),
        (
            "ALTER SYSTEM SET lo_compat_privileges = on",
            "ALTER SYSTEM RESET lo_compat_privileges",
            ("link/server-setting", "error", "a"),
            vec!["lo_compat_privileges"],
        ),
        (
            "ALTER SYSTEM SET jit_provider = 'spy'",
            "ALTER SYSTEM RESET jit_provider",
            ("link/server-setting", "error", "a"),
            vec!["jit_provider", "spy", "loads code"],
        ),
        (
            "ALTER SYSTEM SET event_triggers = 'of'",
            "ALTER SYSTEM RESET event_triggers",
            ("link/server-setting", "error", "a"),
            vec!["event_triggers"],
        ),
        (
            "ALTER SYSTEM SET allow_system_table_mods = on",
            "ALTER SYSTEM RESET allow_system_table_mods",
            ("link/server-setting", "warning", "a"),
            vec!["allow_system_table_mods"],
        ),
        (
            "ALTER SYSTEM SET dynamic_library_path = '/tmp/lib:$libdir'",
            "ALTER SYSTEM RESET dynamic_library_path",
            ("link/server-setting", "warning", "a"),
            vec!["dynamic_library_path", "/tmp/lib"],
        ),
        (
            "SELECT pg_create_logical_replication_slot('reader', 'pgoutput')",
            "SELECT pg_drop_replication_slot('reader')",
            ("link/replication-slot", "error", "b"),
            vec!["reader", b.as_str()],
        ),
        (
            "SELECT pg_replication_origin_create('left_over')",
            "SELECT pg_replication_origin_drop('left_over')",
            ("link/replication-origin", "warning", "a"),
            vec!["left_over"],
        ),
    ] {
        lab.sql("b", plant);
        let report = verify(&lab, &[]);
        let found = only(&report, rule, severity, service);
        says(found, "message", &words);
        if rule == "link/server-setting" {
            lab.sql("b", undo);
        } else {
            follow(&lab, &[found]);
        }
        assert_clean(&lab);
    }
    // What holds for every role is no role's own.
    lab.sql("b", &format!("ALTER ROLE ALL SET role = '{a}'"));
    let report = verify(&lab, &[]);
    lab.sql("b", "SET ROLE NONE; ALTER ROLE ALL RESET role");
    let every = list(&report, "findings")
        .iter()
        .find(|found| text(found, "rule") == "access/setting")
        .unwrap_or_else(|| panic!("{}", shown(&report)));
    says(every, "message", &["every role", &a, "becomes that role"]);
    assert_clean(&lab);
    // A two-phase commit of the service's own is its own matter; another's is not.
    for (role, seen) in [(&b, false), (&a, true)] {
        lab.sql("b", &format!("GRANT CONNECT ON DATABASE \"{b}\" TO \"{a}\"; BEGIN; SET LOCAL ROLE \"{role}\"; SELECT pg_advisory_xact_lock_shared(1); SET LOCAL ROLE NONE; REVOKE CONNECT ON DATABASE \"{b}\" FROM \"{a}\"; ROLLBACK"));
        lab.sql("b", &format!("SET SESSION AUTHORIZATION \"{role}\"; BEGIN; SELECT pg_advisory_xact_lock_shared(1); PREPARE TRANSACTION 'two'"));
        lab.sql(
            "b",
            &format!("REVOKE CONNECT ON DATABASE \"{b}\" FROM \"{a}\""),
        );
        if seen {
            let report = verify(&lab, &[]);
            let found = only(&report, "link/prepared-transaction", "error", "b");
            says(found, "message", &["two", &a, &b]);
        } else {
            assert_clean(&lab);
        }
        lab.sql("b", "ROLLBACK PREPARED 'two'");
    }
    assert_clean(&lab);
}

#[test]
fn jobs_that_no_migration_adds() {
    let lab = Lab::migrated();
    // The Apache edition has no add_job(), but its scheduler has the same table.
    lab.sql(
        "simply_kaspa",
        "INSERT INTO _timescaledb_config.bgw_job (id, application_name, schedule_interval, max_runtime, max_retries, retry_period, proc_schema, proc_name, \
         owner, scheduled, fixed_schedule) VALUES (1000, 'mover', '1 day', '1 min', 1, '1 min', 'public', 'move_rows', current_user::regrole, false, false)",
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "link/job", "error", S);
    says(
        found,
        "message",
        &["mover", "public.move_rows", "switched off"],
    );
    lab.sql(
        "simply_kaspa",
        "DELETE FROM _timescaledb_config.bgw_job WHERE id = 1000",
    );
    assert_clean(&lab);
    // One of TimescaleDB's own that runs what is not.
    lab.sql(
        "simply_kaspa",
        "INSERT INTO _timescaledb_config.bgw_job (id, application_name, schedule_interval, max_runtime, max_retries, retry_period, proc_schema, proc_name, \
         owner, scheduled, fixed_schedule) VALUES (2, 'own', '1 day', '1 min', 1, '1 min', 'public', 'move_rows', current_user::regrole, false, false)",
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "link/job", "error", S);
    says(
        found,
        "message",
        &["public.move_rows", "TimescaleDB does not"],
    );
    says(
        found,
        "remedy",
        &["_timescaledb_config.bgw_job", "delete_job(2)"],
    );
    lab.sql(
        "simply_kaspa",
        "DELETE FROM _timescaledb_config.bgw_job WHERE id = 2",
    );
    assert_clean(&lab);
    // One of TimescaleDB's own that runs as another service's role, or as another administrator's.
    let hand_over = |role: &str| {
        lab.sql(
            "simply_kaspa",
            &format!("UPDATE _timescaledb_config.bgw_job SET owner = '\"{role}\"'::regrole WHERE id = (SELECT min(id) FROM _timescaledb_config.bgw_job)"),
        );
    };
    hand_over(&lab.db("simply_kaspa_user"));
    assert_clean(&lab);
    hand_over(&lab.db("k_social_user"));
    let report = verify(&lab, &[]);
    let found = only(&report, "link/job", "error", S);
    says(
        found,
        "message",
        &[&lab.db("k_social_user"), "TimescaleDB does as who made it"],
    );
    crate::verify_cases::follow(&lab, &[found]);
    assert_clean(&lab);
}

#[test]
fn a_channel_of_another_set() {
    let server = start(&binaries(17, false).unwrap(), false, &[]);
    let mut lab = Lab::on(&server, "postgres");
    lab.own_services(&["a", "b"]);
    lab.write(
        "sql/a/V5__notify.sql",
        "CREATE FUNCTION a_notify() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM pg_notify('a_channel', ''); END$$;\n",
    );
    lab.run(&[
        "lock",
        "-q",
        "--postgres-bin",
        server.bin().to_str().unwrap(),
    ])
    .exits(0);
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    assert_clean(&lab);
    lab.sql("b", "CREATE FUNCTION public.tell() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'LISTEN ' || 'a_channel'; END$$");
    let report = verify(&lab, &[]);
    let found = only(&report, "link/foreign-channel", "warning", "b");
    says(found, "message", &["public.tell()", "a_channel", "of a"]);
    follow(&lab, &[found]);
    assert_clean(&lab);
}

#[test]
fn one_password_for_two() {
    let mut lab = Lab::migrated();
    assert_clean(&lab);
    // In the database: the service's own password is refused, the other's opens.
    let role = lab.db("simply_kaspa_user");
    let quoted = |text: &str| text.replace('\'', "''");
    lab.sql(
        "postgres",
        &format!("ALTER ROLE \"{role}\" PASSWORD '{}'", quoted(CANARY)),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/shared-password", "error", S);
    says(
        found,
        "message",
        &[&role, &lab.db("k_social_user"), &lab.db("simply_kaspa")],
    );
    assert_eq!(text(found, "evidence"), "login");
    // In the manifest as well: then nothing needs to be tried.
    lab.env
        .insert("SIMPLY_KASPA_PW".to_owned(), CANARY.to_owned());
    let report = verify(&lab, &["--no-login-proof"]);
    assert_eq!(report["status"], "incomplete", "{}", shown(&report));
    let report = verify(&lab, &[]);
    let found = only(&report, "access/shared-password", "error", S);
    assert_eq!(text(found, "evidence"), "manifest");
    lab.env
        .insert("SIMPLY_KASPA_PW".to_owned(), password("simply_kaspa_user"));
    lab.run(&["provision", "-q"]).exits(0);
    assert_clean(&lab);
}

/// The one finding of these rules.
#[track_caller]
fn only_of<'a>(report: &'a Value, rules: &[&str]) -> &'a Value {
    let of = |found: &&Value| rules.contains(&text(found, "rule"));
    let found: Vec<&Value> = list(report, "findings").iter().filter(of).collect();
    let [found] = found[..] else {
        panic!("{}", shown(report));
    };
    found
}

#[test]
fn a_way_in_that_only_the_attempt_shows() {
    let mut lab = Lab::migrated();
    let (k, role) = (lab.db("ksocial"), lab.db("simply_kaspa_user"));
    // CONNECT through the role that owns the database: no grant names anybody.
    lab.sql(
        "postgres",
        &format!("GRANT CONNECT ON DATABASE \"{k}\" TO \"{role}\""),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "access/foreign-connect", "error", K);
    says(found, "actual", &["proven", &role]);
    follow(&lab, &[found]);
    assert_clean(&lab);
    // Switched off, it is said.
    let report = verify(&lab, &["--no-login-proof"]);
    assert_eq!(report["status"], "incomplete");
    let rules: Vec<&str> = list(&report, "not_checked")
        .iter()
        .map(|gap| text(gap, "rule"))
        .collect();
    assert!(
        rules.contains(&"access/foreign-login") && rules.contains(&"access/shared-password"),
        "{rules:?}"
    );
    lab.edit("version = 1\n", "version = 1\nlogin_proof = false\n");
    assert_eq!(verify(&lab, &[])["status"], "incomplete");
    lab.edit("login_proof = false\n", "");
    // Both services with one role: nobody's grant, and it gets in.
    lab.edit(
        &format!("role = \"{}\"", lab.db("rgb_user")),
        &format!("role = \"{role}\""),
    );
    let rgb = lab.db("rgb_lightning_node");
    lab.sql(
        "postgres",
        &format!("ALTER DATABASE \"{rgb}\" OWNER TO \"{role}\""),
    );
    // The RGB node's own password is another one, so only simply-kaspa's credentials open it. The manifest tells it already.
    for arguments in [
        &["--service", R][..],
        &["--service", R, "--no-login-proof"],
        &[],
    ] {
        let report = verify(&lab, arguments);
        let found = only_of(&report, &["access/foreign-login", "identity/shared-role"]);
        assert_eq!(
            (text(found, "rule"), text(found, "belongs_to")),
            ("identity/shared-role", S)
        );
        // To take something from the role would shut both services out.
        assert!(
            text(found, "remedy").contains("Take nothing from role"),
            "{found:#}"
        );
    }
    // Under another name only servers tell that it is one: both sessions where both are looked at, else the attempt.
    lab.edit(
        &format!("role = \"{role}\"\nurl = {{ env = \"SIMPLY_KASPA_URL\" }}\nhost = \"127.0.0.1\""),
        &format!("role = \"{role}\"\nurl = {{ env = \"SIMPLY_KASPA_URL\" }}\nhost = \"127.1\""),
    );
    for rule in ["access/foreign-login", "identity/shared-role"] {
        let report = verify(&lab, &[]);
        let found = only_of(&report, &["access/foreign-login", "identity/shared-role"]);
        assert_eq!(text(found, "rule"), rule);
        assert!(text(found, "remedy").contains("Take nothing from role"));
        let known = password("simply_kaspa_user");
        lab.env.insert("RGB_USERS_PW".to_owned(), known);
    }
}

#[test]
fn the_url_logs_in_as_somebody_else() {
    let mut lab = Lab::migrated();
    lab.env.insert(
        "RGB_USERS_URL".to_owned(),
        lab.admin_url("rgb_lightning_node"),
    );
    let report = verify(&lab, &["--no-login-proof"]);
    let found = list(&report, "findings")
        .iter()
        .find(|found| text(found, "rule") == "identity/wrong-role")
        .unwrap_or_else(|| panic!("{}", shown(&report)));
    assert_eq!(
        (text(found, "severity"), text(found, "service")),
        ("error", R)
    );
    says(
        found,
        "message",
        &["postgres", &lab.db("rgb_user"), "superuser"],
    );
    lab.env.remove("RGB_USERS_URL");
    assert_clean(&lab);
}

#[test]
fn the_url_brings_a_search_path_along() {
    let mut lab = Lab::migrated();
    let url = lab.url("ksocial", "k_social_user");
    lab.env.insert(
        "K_SOCIAL_URL".to_owned(),
        format!("{url}?options=-c%20search_path%3Delsewhere%20-c%20jit%3Doff"),
    );
    let report = verify(&lab, &[]);
    let found = only(&report, "identity/smuggled-setting", "warning", K);
    says(found, "message", &["search_path=elsewhere"]);
    lab.env.insert("K_SOCIAL_URL".to_owned(), url);
    assert_clean(&lab);
}

#[test]
fn every_host_of_a_url_is_looked_at() {
    let mut lab = Lab::migrated();
    let url = lab.url("ksocial", "k_social_user");
    let (head, place) = url.rsplit_once('@').unwrap();
    let (host, database) = place.split_once('/').unwrap();
    let port = host.split_once(':').unwrap().1;
    // The same server under two names.
    lab.env.insert(
        "K_SOCIAL_URL".to_owned(),
        format!("{head}@{host},localhost:{port}/{database}"),
    );
    assert_clean(&lab);
    // Nobody there: not checked, never clean.
    let closed = crate::connections::closed_port();
    lab.env.insert(
        "K_SOCIAL_URL".to_owned(),
        format!("{head}@{host},127.0.0.1:{closed}/{database}"),
    );
    let report = verify(&lab, &[]);
    assert_eq!(report["status"], "incomplete", "{}", shown(&report));
    assert!(
        list(&report, "not_checked")
            .iter()
            .any(|gap| text(gap, "rule") == "identity/several-hosts"
                && text(gap, "reason").contains(&closed.to_string()))
    );
    // Another server with a database and a role of these names.
    let other = start(&binaries(17, false).unwrap(), false, &[]);
    let there = Lab::on(&other, "postgres");
    let (name, role) = (lab.db("ksocial"), lab.db("k_social_user"));
    there.sql("postgres", &format!("CREATE ROLE \"{role}\" LOGIN PASSWORD '{}'; CREATE DATABASE \"{name}\" OWNER \"{role}\"", CANARY.replace('\'', "''")));
    there.sql(
        "postgres",
        &format!("GRANT EXECUTE ON FUNCTION pg_control_system() TO \"{role}\""),
    );
    lab.sql(
        "ksocial",
        &format!("GRANT EXECUTE ON FUNCTION pg_control_system() TO \"{role}\""),
    );
    lab.env.insert(
        "K_SOCIAL_URL".to_owned(),
        format!("{head}@{host},127.0.0.1:{}/{database}", other.port()),
    );
    let report = verify(&lab, &[]);
    let found = list(&report, "findings")
        .iter()
        .find(|found| text(found, "rule") == "identity/several-hosts")
        .unwrap_or_else(|| panic!("{}", shown(&report)));
    says(found, "message", &[&other.port().to_string(), &name]);
    lab.env.remove("K_SOCIAL_URL");
    lab.sql(
        "ksocial",
        &format!("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM \"{role}\""),
    );
    assert_clean(&lab);
}

#[test]
fn a_copy_of_the_files_is_no_shared_database() {
    let first = start(&binaries(17, false).unwrap(), false, &[]);
    let mut lab = own(&first, &["a", "b"]);
    let copy = tempfile::tempdir().unwrap();
    std::fs::set_permissions(
        copy.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let data = copy.path().join("data");
    // Nobody writes: after a checkpoint the files are what a crash at this moment would leave.
    lab.sql("postgres", "CHECKPOINT");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(first.data_dir())
        .arg(&data)
        .status()
        .unwrap();
    assert!(copied.success());
    std::fs::remove_file(data.join("postmaster.pid")).unwrap();
    let port = crate::connections::closed_port();
    let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=");
    crate::verify_access::control(first.bin(), &data, &["-w", "-o", &options, "start"]);
    let there = |url: String| url.replace(&format!(":{}/", first.port()), &format!(":{port}/"));
    let (url, admin) = (there(lab.url("b", "b")), there(lab.admin_url("b")));
    lab.env.insert("B_URL".to_owned(), url);
    lab.env.insert("B_ADMIN".to_owned(), admin);
    let report = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| verify(&lab, &[])));
    crate::verify_access::control(first.bin(), &data, &["-w", "-m", "immediate", "stop"]);
    let report = report.unwrap();
    let rules: Vec<&str> = list(&report, "findings")
        .iter()
        .map(|found| text(found, "rule"))
        .collect();
    assert_eq!(rules, ["identity/copy"], "{}", shown(&report));
}

#[test]
fn what_has_changed_since_the_last_run() {
    let lab = Lab::migrated();
    let file = lab.path().join("last.json");
    let name = file.to_str().unwrap();
    let args = ["verify", "--since-last", name];
    lab.run(&args)
        .exits(0)
        .says("no report before")
        .says("0 new");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    lab.sql("ksocial", "CREATE FUNCTION public.k_x() RETURNS void LANGUAGE sql AS 'SELECT 1'; CREATE PUBLICATION p FOR ALL TABLES");
    lab.run(&args)
        .exits(1)
        .says("new  error link/publication")
        .says("2 new, 0 gone");
    let report = lab.json(&args, 1);
    assert_eq!(
        (
            &report["since_last"]["unchanged"],
            list(&report, "findings").len()
        ),
        (&Value::from(2), 2)
    );
    lab.sql("ksocial", "DROP PUBLICATION p");
    // Another service's run does not say that it is gone.
    lab.run(&["verify", "--service", R, "--since-last", name])
        .exits(0)
        .says("0 gone, 2 not looked at");
    lab.run(&args).exits(0).says("1 new");
    // What is not dbctl's is never replaced.
    for (content, why) in [
        ("", "something else"),
        (
            "{\"version\": 1, \"tool\": {\"name\": \"x\"}}",
            "something else",
        ),
    ] {
        std::fs::write(&file, content).unwrap();
        lab.run(&args).exits(3).says(why);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
    lab.run(&args).exits(3).says("no regular file");
}

#[test]
fn watching_prints_changes_until_it_is_interrupted() {
    use std::io::{BufRead as _, BufReader};
    let lab = Lab::migrated();
    let mut child = lab
        .command(&["verify", "--watch=1", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| {
            let line = line.unwrap();
            assert!(!line.contains("c4nary"), "{line}");
            serde_json::from_str::<Value>(&line).unwrap()
        });
    let first = lines.next().unwrap();
    assert_eq!(
        (&first["first"], &first["status"]),
        (&Value::Bool(true), &Value::from("pass"))
    );
    lab.sql("ksocial", "CREATE PUBLICATION p FOR ALL TABLES");
    let second = lines.next().unwrap();
    assert_eq!(
        text(&second["new"][0], "rule"),
        "link/publication",
        "{second}"
    );
    assert!(text(&second, "time").ends_with('Z'));
    lab.sql("ksocial", "DROP PUBLICATION p");
    let third = lines.next().unwrap();
    assert_eq!(
        text(&third["gone"][0], "rule"),
        "link/publication",
        "{third}"
    );
    // A service that cannot be looked at any more is not passed over.
    let role = lab.db("k_social_user");
    lab.sql("postgres", &format!("ALTER ROLE {role} NOLOGIN"));
    let fourth = lines.next().unwrap();
    assert_eq!(fourth["status"], "incomplete", "{fourth}");
    assert_eq!(fourth["stopped"][0]["services"][0], "k-indexer", "{fourth}");
    assert!(text(&fourth["stopped"][0], "reason").contains("not permitted to log in"));
    lab.sql("postgres", &format!("ALTER ROLE {role} LOGIN"));
    let fifth = lines.next().unwrap();
    assert_eq!(fifth["status"], "pass", "{fifth}");
    assert_eq!(fifth["resumed"][0]["service"], "k-indexer", "{fifth}");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
