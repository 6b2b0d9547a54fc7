//! Group `compose` through the binary: what the files around a compose file say, what is missing, and what a report may not destroy.

use std::fs;

use crate::check_compose::{Deployment, K_URL, REFERENCE, errors, findings};
use crate::lab::Run;

/// The reasons why something was not checked, each once.
pub fn gaps(run: &Run) -> Vec<String> {
    let report = run.json();
    let mut reasons: Vec<String> = Vec::new();
    for gap in report["not_checked"].as_array().unwrap() {
        let reason = gap["reason"].as_str().unwrap().to_owned();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

pub fn check(deployment: &Deployment, env: &[(&str, &str)]) -> Run {
    deployment.run(&["check", "--format", "json"], env)
}

/// The reference, with another variable of k-indexer in place of its URL, and these environment files.
fn with_env_file(variable: &str, files: &str) -> String {
    let name = "container_name: k-indexer\n";
    REFERENCE
        .replacen(&format!("DATABASE_URL: {K_URL}"), variable, 1)
        .replacen(name, &format!("{name}    env_file: {files}\n"), 1)
}

/// A report never takes the place of what it is made from.
#[test]
fn no_file_that_is_read_is_overwritten() {
    let compose = REFERENCE.replacen(
        "container_name: k-indexer\n",
        "container_name: k-indexer\n    env_file: [k.env]\n",
        1,
    );
    let deployment = Deployment::new(&compose);
    deployment.write("k.env", "A=1\n");
    deployment.write(".env", "B=2\n");
    deployment.write("sets/k_social/V1__a.sql", "CREATE TABLE a (b int);\n");
    deployment.write("sets/k_social/schema.lock", "x");
    let manifest = "version = 1\nsets = \"sets\"\n[services.k-indexer]\nstore = \"timescaledb\"\nset = \"k_social\"\n\
        database = \"ksocial\"\nrole = \"k_social_user\"\nhost = \"localhost\"\ncontainer = \"k-social-db\"\n";
    deployment.write("dbctl.toml", manifest);
    for file in [
        "dbctl.toml",
        "compose.yaml",
        ".env",
        "k.env",
        "config/k-social/init/01.sql",
        "sets/k_social/V1__a.sql",
        "sets/k_social/schema.lock",
        "./sets/../sets/k_social/schema.lock",
    ] {
        let before = fs::read_to_string(deployment.path().join(file)).unwrap();
        let output = format!("json={file}");
        let run = deployment
            .run(&["check", "--output", &output], &[])
            .exits(2);
        assert!(
            run.err.contains("which this run reads"),
            "{file}: {}",
            run.err
        );
        assert_eq!(run.out, "", "{file}");
        let after = fs::read_to_string(deployment.path().join(file)).unwrap();
        assert_eq!(before, after, "{file}");
    }
    // The report of an earlier run is none of them.
    for _ in 0..2 {
        let run = deployment.run(&["check", "--output", "sets/k_social/report.md"], &[]);
        assert!(run.code != 2, "{}", run.err);
    }
    deployment
        .run(&["check", "--output", "hmtl=report"], &[])
        .exits(2)
        .says("did you mean html=FILE?");
    assert!(!deployment.path().join("report").exists());
}

/// The variable wins over `name:`, and that over the folder; a file may use the name, wherever it comes from.
#[test]
fn the_project_is_called_as_compose_calls_it() {
    // Only if the project is `other`, the named volume of one is the volume of the other.
    let compose = REFERENCE
        .replacen("    container_name: simply-kaspa-db\n", "", 1)
        .replace(
            "  k-social-db-data:\n  simply-kaspa-db-data:\n",
            "  k-social-db-data: {name: other_simply-kaspa-db-data}\n  simply-kaspa-db-data:\n",
        );
    let shared = |compose: &str, env: &[(&str, &str)]| {
        let run = check(&Deployment::new(compose), env);
        errors(&run.json())
            .iter()
            .any(|error| error.contains("compose/shared-volume"))
    };
    assert!(!shared(&compose, &[]));
    assert!(shared(&compose, &[("COMPOSE_PROJECT_NAME", "other")]));
    assert!(!shared(&compose, &[("COMPOSE_PROJECT_NAME", "")]));
    assert!(shared(
        &compose.replacen("name: aio\n", "name: other\n", 1),
        &[]
    ));
    let interpolated = compose.replace(
        "{name: other_simply-kaspa-db-data}",
        "{name: \"${COMPOSE_PROJECT_NAME}_simply-kaspa-db-data\"}",
    );
    assert!(shared(&interpolated, &[]));
}

/// What only an optional file would say is unknown; what another place says is known.
#[test]
fn an_optional_environment_file_that_is_absent_is_no_fault_and_no_answer() {
    let name = "container_name: k-social-db\n";
    let optional = format!("{name}    env_file: [{{path: no.env, required: no}}]\n");
    let compose = REFERENCE.replacen(name, &optional, 1);
    let run = check(&Deployment::new(&compose), &[]).exits(0);
    assert_eq!(gaps(&run), Vec::<String>::new());
    let without = compose.replacen("      POSTGRES_DB: ksocial\n", "", 1);
    let deployment = Deployment::new(&without);
    let run = check(&deployment, &[]).exits(4);
    let gaps = gaps(&run);
    assert_eq!(
        gaps,
        [
            "environment file no.env of k-social-db is optional and not here: it may set POSTGRES_DB, which nothing else does"
        ]
    );
    // Once it is there, it answers.
    deployment.write("no.env", "POSTGRES_DB=simply_kaspa\n");
    assert!(
        errors(&check(&deployment, &[]).json())[0].contains("compose/wrong-database of k-indexer")
    );
    let url = with_env_file("A: b", "[{path: no.env, required: false}]");
    check(&Deployment::new(&url), &[])
        .exits(4)
        .says("nothing else tells what k-indexer connects to");
}

/// Variables in an environment file are those of the environment, of `environment`, and of the lines and files before.
#[test]
fn environment_files_build_on_one_another() {
    let compose = with_env_file("HERE: simply", "[a.env, {path: b.env}]");
    let deployment = Deployment::new(&compose);
    deployment.write("a.env", "HOST_OF=${HERE}-kaspa\nPW=c4nary\n");
    let url = "DATABASE_URL=postgres://k_social_user:${PW}@${HOST_OF}-db/ksocial\n";
    deployment.write("b.env", url);
    let found = errors(&check(&deployment, &[]).json());
    assert!(
        found.iter().any(
            |error| error.contains("compose/wrong-connection of k-indexer")
                && error.contains("simply-kaspa-db")
        ),
        "{found:#?}"
    );
    // As it stands it is no URL of anybody's.
    let raw = compose.replacen("{path: b.env}", "{path: b.env, format: raw}", 1);
    deployment.write("compose.yaml", &raw);
    let found = findings(&check(&deployment, &[]).json());
    assert!(
        !found
            .iter()
            .any(|finding| finding.contains("container simply-kaspa-db")),
        "{found:#?}"
    );
}

/// A long one is not guessed because a word stands in front.
#[test]
fn a_long_password_that_begins_with_a_word_is_no_guess() {
    for password in ["postgres482719482719", "test-0000111122223333"] {
        let compose = REFERENCE.replace("${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}", password);
        let found = errors(&check(&Deployment::new(&compose), &[]).json());
        assert!(found.is_empty(), "{password}: {found:#?}");
    }
}

/// A password that is tried first is a fault however it is written.
#[test]
fn literal_passwords_that_are_tried_first() {
    for password in [
        "postgres",
        "CHANGE_ME",
        "CHANGEME123",
        "example",
        "k_social_user",
    ] {
        let compose = REFERENCE.replace("${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}", password);
        let found = errors(&check(&Deployment::new(&compose), &[]).json());
        assert!(
            found.len() == 1
                && found[0].contains("compose/default-password of k-indexer")
                && found[0].contains("easily guessed"),
            "{password}: {found:#?}"
        );
    }
}

/// What Docker Compose refuses is said with its line and what was meant: what stands there was not looked at.
#[test]
fn what_compose_refuses_is_not_checked() {
    for (from, to, expected) in [
        (
            "    environment:\n      KASIA_DATA_DIR: /data\n",
            "    enviroment:\n      PASSWORD: c4nary\n",
            "services.kasia-indexer.enviroment is no key that it knows, and what stands there was not looked at; did you mean environment?",
        ),
        (
            "\nvolumes:\n  k-social",
            "\nvolums:\n  k-social",
            "volums is no key that it knows, and what stands there was not looked at; did you mean volumes?",
        ),
        (
            "- k-social-db-data:/var",
            "- k-socal-db-data:/var",
            "volume k-socal-db-data, which k-social-db uses, is not declared below volumes; did you mean k-social-db-data?",
        ),
        (
            "- kasia-data:/data\n    networks: [back]",
            "- kasia-data:/data\n    networks: [bakc]",
            "network bakc, which kasia-indexer uses, is not declared below networks; did you mean back?",
        ),
        (
            "      interval: 10s\n      timeout",
            "      intervall: 10s\n      timeout",
            "services.k-social-db.healthcheck.intervall is no key",
        ),
        (
            "image: example/dashboard:2.0.0",
            "image: example/dashboard:2.0.0\n    secrets: [pw]\n    depends_on: [grafana]",
            "secret pw, which dashboard uses, is not declared below secrets",
        ),
        (
            "image: example/dashboard:2.0.0",
            "image: example/dashboard:2.0.0\n    \"PW=c4nary\": 1",
            "services.dashboard.… is no key",
        ),
    ] {
        assert!(REFERENCE.contains(from), "{from}");
        let compose = REFERENCE.replacen(from, to, 1);
        let run = check(&Deployment::new(&compose), &[]);
        assert!(run.code == 4 || run.code == 1, "{to}: {}", run.err);
        let gaps = gaps(&run);
        let said: Vec<&String> = gaps.iter().filter(|gap| gap.contains(expected)).collect();
        assert_eq!(said.len(), 1, "{to}: {gaps:#?}");
        assert!(said[0].starts_with("Docker Compose refuses compose.yaml:"));
    }
    // One place is one fault, whoever has it.
    let anchor = REFERENCE.replacen("  restart: unless-stopped", "  restrat: unless-stopped", 1);
    assert_eq!(gaps(&check(&Deployment::new(&anchor), &[])).len(), 1);
    // Extensions, and what only the host knows, are no fault.
    let fine = REFERENCE
        .replacen("  dashboard:\n", "  dashboard:\n    x-mine: 1\n", 1)
        .replacen("- kasia-data:/data", "- ${VOLUME:?}:/data", 1);
    let run = check(&Deployment::new(&fine), &[]);
    assert_eq!(gaps(&run), Vec::<String>::new());
}

/// What a build is given stays in the image, and names a database as a variable does.
#[test]
fn what_a_build_is_given_counts() {
    let built = |args: &str| {
        let image = "    image: example/k-indexer:1.2.0\n";
        let build = format!("{image}    build: {{context: ., args: {args}}}\n");
        findings(&check(&Deployment::new(&REFERENCE.replacen(image, &build, 1)), &[]).json())
    };
    let has = |found: &std::collections::BTreeSet<String>, words: &[&str]| {
        found
            .iter()
            .any(|finding| words.iter().all(|word| finding.contains(word)))
    };
    for args in [
        "{DB_PASSWORD: c4nary-of-its-own}",
        "[DB_PASSWORD=c4nary-of-its-own]",
    ] {
        let found = built(args);
        let words = [
            "warning compose/default-password of k-indexer",
            "build.args DB_PASSWORD",
            "docker history",
        ];
        assert!(has(&found, &words), "{found:#?}");
    }
    let found = built("{DB_PASSWORD: changeme1}");
    assert!(
        has(
            &found,
            &[
                "error compose/default-password of k-indexer",
                "easily guessed"
            ]
        ),
        "{found:#?}"
    );
    let found =
        built("{DATABASE_URL: \"postgres://x:c4nary-of-its-own@simply-kaspa-db/simply_kaspa\"}");
    assert!(
        has(
            &found,
            &[
                "error compose/wrong-connection of k-indexer",
                "build.args DATABASE_URL",
                "simply-kaspa-db"
            ]
        ),
        "{found:#?}"
    );
    // A database of the build alone is nobody's business, and an argument without a password is none.
    let found = built("{VERSION: \"1\", DATABASE_URL: \"postgres://localhost/build\"}");
    assert!(!has(&found, &["build.args"]), "{found:#?}");
}

/// A port that is another one at every start is not the manifest's; two of them are no conflict.
#[test]
fn a_port_that_the_engine_chooses_is_not_the_manifests() {
    for port in ["5432", "0:5432", "127.0.0.1::5432", "15433-15440:5432"] {
        let compose = REFERENCE
            .replacen("${K_SOCIAL_DB_PORT:-5433}:5432", port, 1)
            .replacen("${SIMPLY_KASPA_DB_PORT:-5434}:5432", port, 1);
        let found = findings(&check(&Deployment::new(&compose), &[]).json());
        let of = |rule: &str| {
            found
                .iter()
                .filter(|finding| finding.contains(rule))
                .count()
        };
        assert_eq!(
            of("warning compose/unexpected-port"),
            2,
            "{port}: {found:#?}"
        );
        let conflicts = usize::from(port.contains('-'));
        assert_eq!(of("compose/port-conflict"), conflicts, "{port}: {found:#?}");
    }
}

/// Two servers on one data directory.
#[test]
fn several_of_one_container_share_its_store() {
    let name = "    container_name: k-social-db\n";
    let with = |lines: &str| {
        let compose = REFERENCE.replacen(name, &format!("{name}{lines}"), 1);
        check(&Deployment::new(&compose), &[])
    };
    for lines in [
        "    deploy: {replicas: 2}\n",
        "    scale: 3\n",
        "    scale: ${N:-2}\n",
    ] {
        let found = errors(&with(lines).json());
        assert!(
            found.len() == 1
                && found[0].contains("compose/shared-volume of k-indexer")
                && found[0].contains("k-social-db-data"),
            "{lines}: {found:#?}"
        );
    }
    assert_eq!(errors(&with("    scale: 1\n").json()), Vec::<String>::new());
    with("    deploy: {replicas: \"${N:?}\"}\n")
        .exits(4)
        .says("how many of k-social-db run on k-social-db-data is not known here: ${N}");
    // A client without a store may run as often as it likes.
    let many = REFERENCE.replacen(
        "container_name: k-indexer\n",
        "container_name: k-indexer\n    scale: 4\n",
        1,
    );
    assert_eq!(
        errors(&check(&Deployment::new(&many), &[]).json()),
        Vec::<String>::new()
    );
}

/// A password in a file of the project is a password; a file that nothing puts into the container is said.
#[test]
fn passwords_in_files_are_read_like_others() {
    let password = "POSTGRES_PASSWORD: ${K_SOCIAL_DB_PASSWORD:-k_social_secure_pass}";
    let name = "    container_name: k-social-db\n";
    let compose = REFERENCE
        .replacen(password, "POSTGRES_PASSWORD_FILE: /run/secrets/pw", 1)
        .replacen(&format!("DATABASE_URL: {K_URL}"), "DB_HOST: k-social-db\n      DB_NAME: ksocial\n      DB_USER: k_social_user\n      DB_PASSWORD_FILE: /run/secrets/pw", 1);
    let run = check(&Deployment::new(&compose), &[]).exits(4);
    let missing = "POSTGRES_PASSWORD_FILE of k-social-db: no secret, config or mount puts /run/secrets/pw there: unless its image has it, it does not start";
    let all = gaps(&run);
    assert!(all.iter().any(|gap| gap == missing), "{all:#?}");
    assert!(
        all.iter()
            .any(|gap| gap.contains("DB_PASSWORD_FILE of k-indexer"))
    );
    // Given as a secret: one that is not here is as it should be, and what one that is here says is known.
    let given = compose
        .replacen(name, &format!("{name}    secrets: [pw]\n"), 1)
        .replacen(
            "    container_name: k-indexer\n",
            "    container_name: k-indexer\n    secrets: [{source: client, target: pw}]\n",
            1,
        )
        + "secrets: {pw: {file: ./pw}, client: {file: ./client}}\n";
    let deployment = Deployment::new(&given);
    let run = check(&deployment, &[]).exits(0);
    assert_eq!(gaps(&run), Vec::<String>::new());
    deployment.write("pw", "c4nary-one\n");
    deployment.write("client", "c4nary-two\n");
    let found = errors(&check(&deployment, &[]).json());
    assert!(
        found.len() == 1 && found[0].contains("compose/disagreement of k-indexer"),
        "{found:#?}"
    );
    deployment.write("client", "changeme\n");
    deployment.write("pw", "changeme");
    let found = errors(&check(&deployment, &[]).json());
    assert!(
        found.len() == 1 && found[0].contains("compose/default-password of k-indexer"),
        "{found:#?}"
    );
}

/// What the image runs and dbctl cannot read is said; what the image ignores is ignored.
#[test]
fn init_scripts_that_are_packed_or_of_another_encoding() {
    let deployment = Deployment::new(REFERENCE);
    let folder = "config/k-social/init";
    deployment.write(
        &format!("{folder}/notes.txt"),
        "CREATE TABLE blocks (a int);",
    );
    deployment.write(
        &format!("{folder}/old.sql.bak"),
        "CREATE TABLE blocks (a int);",
    );
    deployment.write(
        &format!("{folder}/sub/1.sql"),
        "CREATE TABLE blocks (a int);",
    );
    check(&deployment, &[]).exits(0);
    for name in ["2.sql.gz", "3.sql.xz", "4.sql.zst"] {
        let path = deployment.write(&format!("{folder}/{name}"), "x");
        let run = check(&deployment, &[]).exits(4);
        assert!(gaps(&run)[0].contains(&format!("{name} is compressed")));
        fs::remove_file(path).unwrap();
    }
    let sql = "CREATE TABLE blocks (a int);";
    let little: Vec<u8> = sql.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xff\xfe".to_vec(), little.clone()].concat();
    for (bytes, why) in [
        (little, "zero bytes, as UTF-16 does"),
        (marked, "is not UTF-8"),
    ] {
        let path = deployment.write(&format!("{folder}/5.sql"), "");
        fs::write(&path, bytes).unwrap();
        let run = check(&deployment, &[]).exits(4);
        assert!(gaps(&run)[0].contains(why), "{:#?}", gaps(&run));
        fs::remove_file(path).unwrap();
    }
    deployment.write(
        &format!("{folder}/6.sh"),
        "pg_restore -d ksocial /docker-entrypoint-initdb.d/all.dump",
    );
    deployment.write(&format!("{folder}/all.dump"), "PGDMP");
    let run = check(&deployment, &[]).exits(4);
    assert!(
        gaps(&run).iter().any(|gap| gap.contains("6.sh")),
        "{:#?}",
        gaps(&run)
    );
    fs::remove_file(deployment.path().join(folder).join("6.sh")).unwrap();
    // Another image may look into folders.
    let image = "image: timescale/timescaledb:latest-pg17";
    let other = REFERENCE.replacen(image, "image: bitnami/postgresql:17", 1);
    deployment.write("compose.yaml", &other);
    let run = check(&deployment, &[]);
    assert!(
        gaps(&run)
            .iter()
            .any(|gap| gap.contains("init/sub lies among them")),
        "{:#?}",
        gaps(&run)
    );
}

/// Compose takes the files of `COMPOSE_FILE` where none is named; an option and the manifest name them before that.
#[test]
fn the_files_of_compose_file_are_taken() {
    let latest = |text: &str| text.replace(":latest-pg17", ":2.19.3-pg17");
    let floats = |run: &Run| {
        findings(&run.json())
            .iter()
            .any(|found| found.contains("floating-tag"))
    };
    let deployment = Deployment::new(REFERENCE);
    deployment.write("deploy/fixed.yaml", &latest(REFERENCE));
    deployment.write(
        "deploy/over.yaml",
        "services: {k-social-db: {image: 'timescale/timescaledb:latest'}}\n",
    );
    assert!(floats(&check(&deployment, &[])));
    for (env, expected) in [
        (vec![("COMPOSE_FILE", "deploy/fixed.yaml")], false),
        (
            vec![("COMPOSE_FILE", "deploy/fixed.yaml:deploy/over.yaml")],
            true,
        ),
        (
            vec![
                ("COMPOSE_FILE", "deploy/fixed.yaml;deploy/over.yaml"),
                ("COMPOSE_PATH_SEPARATOR", ";"),
            ],
            true,
        ),
        (vec![("COMPOSE_FILE", "")], true),
    ] {
        assert_eq!(floats(&check(&deployment, &env)), expected, "{env:?}");
    }
    let named = deployment.run(
        &["check", "--format", "json", "--compose", "compose.yaml"],
        &[("COMPOSE_FILE", "deploy/fixed.yaml")],
    );
    assert!(floats(&named));
    let missing = check(&deployment, &[("COMPOSE_FILE", "nowhere.yaml")]);
    assert_eq!(missing.code, 3, "{}", missing.err);
    // The environment before the file, as everywhere.
    deployment.write(".env", "COMPOSE_FILE=deploy/fixed.yaml\n");
    assert!(!floats(&check(&deployment, &[])));
    assert!(floats(&check(
        &deployment,
        &[("COMPOSE_FILE", "compose.yaml")]
    )));
}

/// What Compose would fetch is not fetched, and said with its line; what that may declare is not missed.
#[test]
fn what_lies_elsewhere_is_not_checked() {
    let with = |from: &str, to: &str| {
        assert!(REFERENCE.contains(from));
        let run = check(&Deployment::new(&REFERENCE.replacen(from, to, 1)), &[]);
        assert!(!run.err.contains("c4nary") && !run.out.contains("c4nary"));
        (run.code, gaps(&run))
    };
    for url in [
        "https://u:c4nary@example.com/a/b.git#main:sub",
        "git@example.com:a/b.git",
        "oci://docker.io/a/b:1",
    ] {
        let (code, gaps) = with(
            "name: aio\n",
            &format!("name: aio\ninclude: ['{url}', {{path: ['{url}']}}]\n"),
        );
        assert_eq!((code, gaps.len()), (4, 2), "{url}: {gaps:#?}");
        assert!(
            gaps[0].starts_with("compose.yaml:3:11: include names a URL, which was not fetched"),
            "{gaps:#?}"
        );
        let (code, gaps) = with(
            "    image: example/dashboard:2.0.0\n",
            &format!("    extends: {{service: a, file: '{url}'}}\n    secrets: [theirs]\n"),
        );
        assert_eq!((code, gaps.len()), (4, 1), "{url}: {gaps:#?}");
        assert!(
            gaps[0].starts_with("compose.yaml:90:14: extends names a URL"),
            "{gaps:#?}"
        );
    }
    // A file that holds nothing else.
    let run = check(
        &Deployment::new("include: ['oci://docker.io/a/b:1']\n"),
        &[],
    );
    assert_ne!(run.code, 3, "{}", run.err);
}
