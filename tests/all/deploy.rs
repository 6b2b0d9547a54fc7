//! The files of `deploy/`: they parse, dbctl finds no fault with them, and their shell steps run against real servers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dbctl::sandbox::{Server, random_password};
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

use crate::lab::{Run, binaries, dbctl, finish, psql, start};
use crate::verify_cases::{list, shown};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

fn yaml(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.pop().unwrap()
}

fn strings(yaml: &Yaml<'_>) -> Vec<String> {
    let items = yaml.as_sequence().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// The environment of a container, as the file writes it.
fn environment(compose: &Yaml<'_>, container: &str) -> BTreeMap<String, String> {
    compose["services"][container]["environment"]
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), value))
        .collect()
}

/// The script that a one-shot container runs.
fn script(compose: &Yaml<'_>, container: &str) -> String {
    let container = &compose["services"][container];
    assert_eq!(strings(&container["entrypoint"]), ["/bin/sh", "-euc"]);
    let [script] = strings(&container["command"]).try_into().unwrap();
    script
}

/// The steps of a job of GitHub's that call dbctl.
fn github(workflow: &Yaml<'_>, job: &str) -> Vec<String> {
    let steps = workflow["jobs"][job]["steps"].as_sequence().unwrap();
    let runs = steps.iter().filter_map(|step| step.as_mapping_get("run"));
    runs.map(|run| run.as_str().unwrap().to_owned())
        .filter(|run| run.starts_with("dbctl"))
        .collect()
}

/// Every command line of dbctl in the files.
fn commands() -> Vec<String> {
    let (compose, workflow, jobs) = (
        read("compose.yaml"),
        read("github-actions.yml"),
        read("gitlab-ci.yml"),
    );
    let (compose, workflow, jobs) = (yaml(&compose), yaml(&workflow), yaml(&jobs));
    let mut scripts = vec![
        script(&compose, "dbctl"),
        script(&compose, "rgb-lightning-node-dbctl"),
    ];
    scripts.extend(["check", "locks", "deploy"].map(|job| github(&workflow, job).join("\n")));
    scripts.extend(
        ["database:check", "database:lock", "database:deploy"]
            .map(|job| strings(&jobs[job]["script"]).join("\n")),
    );
    scripts.push(read("pre-commit"));
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploying.md");
    let page = fs::read_to_string(page).unwrap();
    scripts.push(page.replace("\n$ dbctl", "\ndbctl"));
    let text = scripts.join("\n");
    let lines = text.lines().filter(|line| line.starts_with("dbctl "));
    lines
        .map(|line| {
            line.split(['>', '|', '#'])
                .next()
                .map(str::trim_end)
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn every_command_exists_and_takes_its_flags() {
    let commands = commands();
    assert!(commands.len() >= 18, "{commands:#?}");
    let help = |line: &str| {
        let mut command = dbctl(&folder());
        command.args(line.split(' ').skip(1)).arg("--help");
        finish(command)
    };
    for command in &commands {
        help(command).exits(0);
    }
    // What clap does not know is not hidden by --help.
    help("dbctl migrate --no-such-flag").exits(2);
    help("dbctl no-such-command").exits(2);
}

#[test]
fn every_variable_of_the_manifest_is_in_the_compose_file() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/src/manifest/builtin.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let compose = read("compose.yaml") + &read("env.example");
    let mut variables: Vec<&str> = manifest
        .split('"')
        .filter(|word| word.len() > 8 && word.chars().all(|c| c == '_' || c.is_ascii_uppercase()))
        .collect();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), 13, "{variables:?}");
    for variable in variables {
        assert!(compose.contains(variable), "{variable} is missing");
    }
    // What the compose file asks for is in the example that is to be filled in.
    let example = read("env.example");
    let text = read("compose.yaml");
    for used in text.split("${").skip(1) {
        let name = used.split([':', '}']).next().unwrap();
        assert!(
            example.contains(name) || name == "RGB_USER",
            "{name} is not in env.example"
        );
    }
}

#[test]
fn the_check_finds_nothing_in_the_compose_file() {
    let file = folder().join("compose.yaml");
    let check = |env: &[(&str, &str)]| {
        let empty = tempfile::tempdir().unwrap();
        let mut command = dbctl(empty.path());
        command
            .args([
                "check",
                "--fail-on",
                "info",
                "--format",
                "json",
                "--compose",
            ])
            .arg(&file)
            .envs(env.iter().copied());
        let report: Value = finish(command).exits(0).json();
        assert_eq!(list(&report, "findings").len(), 0, "{}", shown(&report));
        assert_eq!(list(&report, "not_checked").len(), 0, "{}", shown(&report));
    };
    check(&[]);
    let many_users = "postgresql://rgb_lightning_node_user:c4nary-r@rgb-db:5432/rgb_lightning_node";
    check(&[
        ("K_SOCIAL_ADMIN_PASSWORD", "c4nary-1"),
        ("SIMPLY_KASPA_ADMIN_PASSWORD", "c4nary-2"),
        ("K_SOCIAL_DB_PASSWORD", "c4nary-3"),
        ("SIMPLY_KASPA_DB_PASSWORD", "c4nary-4"),
        ("RGB_ADMIN_PASSWORD", "c4nary-5"),
        ("RGB_DATABASE_URL", many_users),
    ]);
}

#[test]
fn every_indexer_waits_for_dbctl() {
    let text = read("compose.yaml");
    let compose = yaml(&text);
    for indexer in ["k-indexer", "simply-kaspa-indexer", "kasia-indexer"] {
        assert_eq!(
            compose["services"][indexer]["depends_on"]["dbctl"]["condition"].as_str(),
            Some("service_completed_successfully"),
            "{indexer}"
        );
    }
    for database in ["k-social-db", "simply-kaspa-db"] {
        assert_eq!(
            compose["services"]["dbctl"]["depends_on"][database]["condition"].as_str(),
            Some("service_healthy"),
            "{database}"
        );
    }
    assert!(!text.contains("docker-entrypoint-initdb.d"));
}

/// Two servers as the compose file has them: TimescaleDB, a superuser with a password, nothing else.
struct Servers {
    folder: tempfile::TempDir,
    k: Server,
    s: Server,
    env: BTreeMap<String, String>,
}

impl Servers {
    fn start() -> Self {
        let binaries = binaries(17, true).expect("PostgreSQL 17 with TimescaleDB: run ./test.sh");
        let (k, s) = (start(&binaries, true, &[]), start(&binaries, true, &[]));
        let text = read("compose.yaml");
        let mut env = environment(&yaml(&text), "dbctl");
        for value in env.values_mut() {
            *value = Self::resolved(value, &k, &s);
        }
        assert!(
            env.values().all(|value| !value.contains("${")),
            "{:?}",
            env.keys()
        );
        let folder = tempfile::tempdir().unwrap();
        // The scripts find dbctl by its name.
        let path = std::env::var("PATH").unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_dbctl")).parent().unwrap();
        env.insert("PATH".to_owned(), format!("{}:{path}", binary.display()));
        Self { folder, k, s, env }
    }

    /// A value of the compose file: containers become ports here, and an administrator is the server's own.
    fn resolved(value: &str, k: &Server, s: &Server) -> String {
        for (server, container) in [(k, "k-social-db"), (s, "simply-kaspa-db")] {
            let place = format!("@{container}:5432/");
            if !value.contains(&place) {
                continue;
            }
            if value.starts_with("postgresql://postgres:") {
                return server.admin_url("postgres").expose().to_owned();
            }
            let (begin, rest) = value.split_once("${").unwrap();
            let (_, database) = rest.split_once(&place).unwrap();
            return format!(
                "{begin}c4nary{container}@127.0.0.1:{}/{database}",
                server.port()
            );
        }
        value.to_owned()
    }

    /// Runs a script as the container's shell would.
    fn sh(&self, script: &str) -> Run {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-euc", script])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.env);
        finish(command)
    }
}

#[test]
fn the_steps_run_against_real_servers() {
    let servers = Servers::start();
    let (compose, workflow, jobs) = (
        read("compose.yaml"),
        read("github-actions.yml"),
        read("gitlab-ci.yml"),
    );
    let (compose, workflow, jobs) = (yaml(&compose), yaml(&workflow), yaml(&jobs));
    let one_shot = script(&compose, "dbctl");
    servers
        .sh(&one_shot)
        .exits(0)
        .says("created, owned by k_social_user")
        .says("11 migrations applied")
        .says("pass:");
    // The next `up` runs it again.
    servers
        .sh(&one_shot)
        .exits(0)
        .says("nothing was changed")
        .says("2 up to date");
    for job in ["check", "deploy"] {
        for step in github(&workflow, job) {
            servers.sh(&step).exits(0);
        }
    }
    for name in ["check.sarif", "verify.sarif"] {
        let sarif = fs::read_to_string(servers.folder.path().join(name)).unwrap();
        let sarif: Value = serde_json::from_str(&sarif).unwrap();
        assert_eq!(sarif["version"], "2.1.0", "{name}");
    }
    // Either proves the locks as well, with the programs of a server that the job installs.
    assert_eq!(github(&workflow, "locks"), ["dbctl lock --check"]);
    assert_eq!(
        strings(&jobs["database:lock"]["script"]),
        ["dbctl lock --check"]
    );
    for job in ["database:check", "database:lock", "database:deploy"] {
        servers
            .sh(&strings(&jobs[job]["script"]).join("\n"))
            .exits(0);
    }
    for name in ["check.xml", "verify.xml", "verify.html"] {
        let report = fs::read_to_string(servers.folder.path().join(name)).unwrap();
        assert!(report.starts_with('<'), "{name}");
    }
    // One service's table in another's database: nobody is started.
    let url = servers.s.admin_url("simply_kaspa");
    psql(
        servers.s.bin(),
        url.expose(),
        "CREATE TABLE k_posts (id int)",
    )
    .unwrap();
    servers
        .sh(&one_shot)
        .exits(1)
        .says("bleed/foreign-object")
        .says("k_posts");
    // A server that is away: nothing is changed on the other.
    let url = servers.k.admin_url("ksocial");
    let count = "SELECT count(*) FROM refinery_schema_history";
    let before = psql(servers.k.bin(), url.expose(), count).unwrap();
    let mut away = servers.env.clone();
    away.insert(
        "SIMPLY_KASPA_DATABASE_URL".to_owned(),
        format!(
            "postgresql://simply_kaspa_user:{}@127.0.0.1:1/simply_kaspa",
            random_password().expose()
        ),
    );
    let servers = Servers {
        env: away,
        ..servers
    };
    servers
        .sh("dbctl migrate --fail-fast")
        .exits(4)
        .says("127.0.0.1:1");
    assert_eq!(psql(servers.k.bin(), url.expose(), count).unwrap(), before);
}

/// A scratch repository with the built-in sets, the hook and a manifest.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        this.git(&["init", "--quiet", "--initial-branch=main"])
            .exits(0);
        let copy = Command::new("cp")
            .arg("-R")
            .arg(root.join("migrations"))
            .arg(this.0.path())
            .status();
        assert!(copy.unwrap().success());
        let manifest = fs::read_to_string(root.join("src/manifest/builtin.toml")).unwrap();
        this.write(
            "dbctl.toml",
            &manifest.replacen("version = 1\n", "version = 1\nsets = \"migrations\"\n", 1),
        );
        let hook = this.0.path().join(".git/hooks/pre-commit");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        // With its permissions: git passes over a hook that cannot be run.
        fs::copy(folder().join("pre-commit"), hook).unwrap();
        this
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn git(&self, args: &[&str]) -> Run {
        let path = std::env::var("PATH").unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_dbctl")).parent().unwrap();
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=test", "-c", "user.email=test@example.org"])
            .args(["-c", "commit.gpgsign=false"])
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", format!("{}:{path}", binary.display()))
            .env("HOME", self.0.path());
        finish(command)
    }

    fn commits(&self) -> usize {
        self.git(&["log", "--oneline"]).out.lines().count()
    }
}

#[test]
fn the_hook_passes_a_good_set_and_stops_a_bad_one() {
    let repository = Repository::new();
    repository.git(&["add", "."]).exits(0);
    repository.git(&["commit", "-qm", "sets"]).exits(0);
    assert_eq!(repository.commits(), 1);
    // Another service's table, staged.
    let bad = "migrations/simply_kaspa/V7__posts.sql";
    repository.write(bad, "CREATE TABLE public.k_posts (id int PRIMARY KEY);\n");
    repository.git(&["add", "."]).exits(0);
    repository
        .git(&["commit", "-qm", "bad"])
        .exits(1)
        .says("error   sets/foreign-object  migrations/simply_kaspa/V7__posts.sql:1")
        .says("pre-commit: dbctl check ended with exit code 1");
    // Mended in the working tree alone: what is staged is still bad.
    fs::remove_file(repository.0.path().join(bad)).unwrap();
    repository.git(&["commit", "-qm", "bad"]).exits(1);
    assert_eq!(repository.commits(), 1);
    // The other way around: what is bad is not staged.
    repository.git(&["add", "."]).exits(0);
    repository.write(bad, "DROP TABLE public.blocks;\n");
    repository.write("README", "x");
    repository.git(&["add", "README"]).exits(0);
    repository.git(&["commit", "-qm", "good"]).exits(0);
    assert_eq!(repository.commits(), 2);
    // A file that is applied already was edited: its lock is older.
    fs::remove_file(repository.0.path().join(bad)).unwrap();
    let first = "migrations/k_social/V5__user_profiles.sql";
    let text = fs::read_to_string(repository.0.path().join(first)).unwrap();
    repository.write(
        first,
        &format!("{text}\n-- edited\nCREATE TABLE public.more (id int);\n"),
    );
    repository.git(&["add", first]).exits(0);
    repository
        .git(&["commit", "-qm", "edited"])
        .exits(1)
        .says("sets/stale-lock");
    assert_eq!(repository.commits(), 2);
}

#[test]
fn the_image_is_this_version_and_not_roots() {
    let dockerfile = read("Dockerfile");
    let toml = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let toml = fs::read_to_string(toml).unwrap();
    let (_, version) = toml.split_once("rust-version = \"").unwrap();
    let version = version.split('"').next().unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{version}-alpine")));
    let users: Vec<&str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("USER "))
        .collect();
    assert_eq!(users, ["10001:10001"]);
    let text = read("compose.yaml");
    let compose = yaml(&text);
    for container in ["dbctl", "rgb-lightning-node-dbctl"] {
        assert_eq!(
            compose["services"][container]["image"].as_str(),
            Some(concat!("dbctl:", env!("CARGO_PKG_VERSION")))
        );
    }
    // The build's context holds what the build reads.
    let ignore = read("Dockerfile.dockerignore");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept: Vec<&str> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "migrations",
        "src",
        "README.md",
    ] {
        assert!(kept.contains(&needed), "{needed}");
    }
    for path in kept {
        assert!(root.join(path).exists(), "{path}");
    }
}
