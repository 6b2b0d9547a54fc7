//! What somebody with ill will, or with two URLs in the wrong places, must not get dbctl to do.

use crate::lab::{K, Lab, R, S, binaries, start};
use crate::migrate::free_port;

const DB: &str = "rgb_lightning_node";
const ROLE: &str = "rgb_user";

fn is_superuser(lab: &Lab) -> String {
    let role = lab.db(ROLE);
    lab.sql(
        "postgres",
        &format!("SELECT rolsuper FROM pg_roles WHERE rolname = '{role}'"),
    )
}

#[test]
fn a_service_does_not_become_superuser_through_its_search_path() {
    let mut lab = Lab::migrated();
    let role = lab.db(ROLE);
    for function in ["current_setting(text)", "version()", "current_database()"] {
        let returns = if function.starts_with("current_d") {
            "name"
        } else {
            "text"
        };
        lab.sql_as(
            DB,
            ROLE,
            &format!(
                "CREATE FUNCTION public.{function} RETURNS {returns} LANGUAGE plpgsql AS $$ BEGIN \
                 IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN \
                 EXECUTE 'ALTER ROLE {role} SUPERUSER'; END IF; RETURN '170000'; END $$; \
                 GRANT EXECUTE ON FUNCTION public.{function} TO PUBLIC"
            ),
        )
        .unwrap();
    }
    let database = lab.db(DB);
    lab.sql_as(
        DB,
        ROLE,
        &format!("ALTER DATABASE {database} SET search_path = public, pg_catalog; GRANT USAGE ON SCHEMA public TO PUBLIC"),
    )
    .unwrap();
    lab.run(&["verify", "--service", R]);
    assert_eq!(is_superuser(&lab), "f");
    lab.run(&["provision", "--service", R]);
    assert_eq!(is_superuser(&lab), "f");
    // Nor does a URL with options of its own make a reading verb write.
    let before = lab.sql(DB, "SELECT count(*) FROM refinery_schema_history");
    lab.sql_as(
        DB,
        ROLE,
        "CREATE OR REPLACE FUNCTION public.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO public.refinery_schema_history VALUES (99); RETURN '170000'; END $$",
    )
    .unwrap();
    let url = format!(
        "{}?options=-csearch_path%3Dpublic,pg_catalog",
        lab.url(DB, ROLE)
    );
    lab.env.insert("RGB_USERS_URL".to_owned(), url);
    lab.run(&["status", "--service", R]);
    assert_eq!(
        lab.sql(DB, "SELECT count(*) FROM refinery_schema_history"),
        before
    );
}

#[test]
fn the_administrators_session_runs_nothing_of_the_services() {
    let lab = Lab::migrated();
    let file = lab.path().join("pwned");
    for (table, revoke) in [
        ("dbctl.identity", "dbctl.identity"),
        ("public.refinery_schema_history", "refinery_schema_history"),
    ] {
        let name = table.replace('.', "_");
        lab.sql_as(
            DB,
            ROLE,
            &format!(
                "CREATE TYPE public.evil_{name} AS ENUM ('a'); \
                 CREATE FUNCTION public.json_{name}(public.evil_{name}) RETURNS json LANGUAGE plpgsql AS $$ BEGIN \
                 IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN \
                 COPY (SELECT 1) TO PROGRAM 'cat > {}'; END IF; RETURN '{{}}'::json; END $$; \
                 CREATE CAST (public.evil_{name} AS json) WITH FUNCTION public.json_{name}(public.evil_{name}); \
                 ALTER TABLE {table} ADD COLUMN e public.evil_{name}; UPDATE {table} SET e = 'a'; \
                 REVOKE SELECT ON {revoke} FROM CURRENT_USER",
                file.display()
            ),
        )
        .unwrap();
    }
    lab.run(&["verify", "--service", R])
        .exits(1)
        .says("uses COPY PROGRAM")
        .says("permission denied for table identity");
    lab.run(&["provision", "--service", R]);
    assert!(!file.exists());
}

#[test]
fn provision_refuses_an_administrator_of_another_place() {
    let mut lab = Lab::migrated();
    let password = |lab: &Lab| {
        let role = lab.db(ROLE);
        lab.sql(
            "postgres",
            &format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"),
        )
    };
    let before = password(&lab);
    let url = format!(
        "postgresql://{}:c4nary@127.0.0.1:{}/{}",
        lab.db(ROLE),
        free_port(),
        lab.db(DB)
    );
    lab.env.insert("RGB_USERS_URL".to_owned(), url);
    lab.run(&["provision", "--service", R])
        .exits(3)
        .says("these may be two servers")
        .says("nothing was changed");
    assert_eq!(password(&lab), before);
}

#[test]
fn provision_takes_no_database_that_is_somebody_elses() {
    let lab = Lab::migrated();
    let (database, stranger) = (lab.db(DB), format!("stranger_{}", lab.suffix));
    let owner = || {
        lab.sql(
            "postgres",
            &format!(
                "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{database}'"
            ),
        )
    };
    lab.sql(
        "postgres",
        &format!("CREATE ROLE {stranger}; ALTER DATABASE {database} OWNER TO {stranger}"),
    );
    lab.run(&["provision", "--service", R])
        .exits(3)
        .says(&stranger)
        .says("nothing was changed");
    assert_eq!(owner(), stranger);
    // An administrator's, but with another service's stamp.
    lab.sql(
        "postgres",
        &format!("ALTER DATABASE {database} OWNER TO postgres; DROP ROLE {stranger}"),
    );
    lab.sql(DB, "UPDATE dbctl.identity SET service = 'k-indexer'");
    lab.run(&["provision", "--service", R])
        .exits(3)
        .says("belongs to service k-indexer");
    assert_eq!(owner(), "postgres");
    lab.sql(DB, &format!("UPDATE dbctl.identity SET service = '{R}'"));
    lab.run(&["provision", "--service", R]).exits(0);
    assert_eq!(owner(), lab.db(ROLE));
}

#[test]
fn a_stamp_or_history_that_cannot_be_believed_is_never_clean() {
    let lab = Lab::migrated();
    for (plant, undo) in [
        (
            "ALTER TABLE dbctl.identity DROP CONSTRAINT identity_pkey; INSERT INTO dbctl.identity VALUES (true, 'k-indexer', 'k_social')",
            "DELETE FROM dbctl.identity WHERE service = 'k-indexer'; ALTER TABLE dbctl.identity ADD CONSTRAINT identity_pkey PRIMARY KEY (only_row)",
        ),
        (
            "ALTER TABLE dbctl.identity ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "ALTER TABLE dbctl.identity DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
        ),
        (
            "ALTER TABLE refinery_schema_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "ALTER TABLE refinery_schema_history DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
        ),
    ] {
        lab.sql(DB, plant);
        lab.run(&["status", "--service", R]).exits(1);
        lab.run(&["migrate", "--service", R]).exits(3);
        let verify = lab.run(&["verify", "--service", R]);
        assert!(matches!(verify.code, 1 | 4), "{plant}: {}", verify.all());
        lab.sql(DB, undo);
        lab.run(&["verify", "--service", R]).exits(0);
    }
}

#[test]
fn a_lock_that_was_cut_off_or_belongs_to_another_set_is_not_believed() {
    let lab = Lab::migrated();
    let sets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let own = lab.path().join("sets");
    for set in ["k_social", "simply_kaspa", "rgb_users"] {
        std::fs::create_dir_all(own.join(set)).unwrap();
        for entry in std::fs::read_dir(sets.join(set)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), own.join(set).join(entry.file_name())).unwrap();
        }
    }
    let lock = own.join("rgb_users/schema.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    let verify = ["verify", "--sets", "sets", "--service", R];
    lab.run(&verify).exits(0);
    let blocks: Vec<&str> = text.split("\n[[object]]").collect();
    std::fs::write(&lock, blocks[..3].join("\n[[object]]")).unwrap();
    lab.run(&verify).exits(4).says("it was cut off or edited");
    std::fs::copy(own.join("k_social/schema.lock"), &lock).unwrap();
    let run = lab
        .run(&verify)
        .exits(4)
        .says("is the lock of set k_social, not of rgb_users");
    assert!(!run.out.contains("DROP TABLE"), "{}", run.out);
    std::fs::write(&lock, text).unwrap();
    lab.run(&verify).exits(0);
    // A pipe among the files is said at once instead of waited for.
    let pipe = own.join("rgb_users/V9__pipe.sql");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    lab.run(&["migrate", "--sets", "sets", "--service", R])
        .exits(3)
        .says("V9__pipe.sql")
        .says("not a regular file");
}

#[test]
fn settings_of_role_and_database_do_not_change_what_a_migration_does() {
    let mut lab = Lab::new();
    lab.run(&["provision", "-q"]).exits(0);
    let (database, role) = (lab.db(DB), lab.db(ROLE));
    let other = format!("other_{}", lab.suffix);
    lab.sql(
        "postgres",
        &format!(
            "CREATE ROLE {other}; GRANT {other} TO {role}; ALTER ROLE {role} IN DATABASE {database} SET role = {other}; \
             ALTER DATABASE {database} SET standard_conforming_strings = off; ALTER DATABASE {database} SET search_path = nowhere; \
             GRANT CREATE ON DATABASE {database} TO {other}"
        ),
    );
    lab.run(&["migrate", "--service", R]).exits(0);
    assert_eq!(
        lab.sql(
            DB,
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'dbctl')"
        ),
        role
    );
    lab.sql(
        "postgres",
        &format!(
            "ALTER DATABASE {database} RESET ALL; REVOKE CREATE ON DATABASE {database} FROM {other}; DROP ROLE {other}; \
             ALTER DATABASE {} SET default_transaction_read_only = on",
            lab.db("ksocial")
        ),
    );
    lab.run(&["migrate", "--service", K])
        .exits(4)
        .says("somebody froze it");
    // What the URL itself sets nobody else can mend.
    let url = lab.url("simply_kaspa", "simply_kaspa_user");
    let options = "options=-c%20default-transaction-read-only%3Don";
    lab.env
        .insert("SIMPLY_KASPA_URL".to_owned(), format!("{url}?{options}"));
    for verb in ["migrate", "repair"] {
        let run = lab
            .run(&[verb, "--service", S])
            .exits(4)
            .says("its options set default_transaction_read_only): take that out of the URL");
        assert!(!run.all().contains("froze"), "{}", run.all());
    }
    let admin = lab.env.get("RGB_USERS_ADMIN").unwrap().clone();
    lab.env
        .insert("RGB_USERS_ADMIN".to_owned(), format!("{admin}?{options}"));
    lab.sql(
        "postgres",
        &format!("GRANT CONNECT ON DATABASE {database} TO PUBLIC"),
    );
    lab.run(&["provision", "--service", R])
        .exits(4)
        .says("default_transaction_read_only is on for admin_url");
}

#[test]
fn a_server_that_does_not_answer_any_more_does_not_hold_an_interrupted_run() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::time::{Duration, Instant};

    let Some(binaries) = binaries(17, true) else {
        return;
    };
    let server = start(&binaries, false, &[]);
    let lab = Lab::on(&server, "postgres");
    std::fs::create_dir_all(lab.path().join("sets/rgb_users")).unwrap();
    std::fs::write(
        lab.path().join("sets/rgb_users/V1__slow.sql"),
        "SELECT pg_sleep(600);",
    )
    .unwrap();
    lab.edit("version = 1\n", "version = 1\nsets = \"sets\"\n");
    lab.run(&["provision", "-q", "--service", R]).exits(0);
    let mut child = lab
        .command(&["migrate", "-q", "--service", R])
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let backend = loop {
        let pid = lab.sql(
            "postgres",
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'dbctl migrate%' AND wait_event = 'PgSleep'",
        );
        if !pid.is_empty() {
            break Pid::from_raw(pid.parse().unwrap());
        }
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    };
    kill(backend, Signal::SIGSTOP).unwrap();
    let sent = Instant::now();
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    kill(backend, Signal::SIGCONT).unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(
        sent.elapsed() < Duration::from_secs(45),
        "{:?}",
        sent.elapsed()
    );
}
