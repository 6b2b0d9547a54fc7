#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod environment;
mod problems;
mod sets;

use std::path::PathBuf;

use super::{Inputs, load};
use crate::manifest::{Manifest, Service, Source, Target, Topology};

const CANARY: &str = "Canary7Pw";

/// A working directory with the given files.
struct Case {
    directory: tempfile::TempDir,
    inputs: Inputs,
}

fn case(files: &[(&str, &str)]) -> Case {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let inputs = Inputs {
        directory: directory.path().to_path_buf(),
        ..Inputs::default()
    };
    Case { directory, inputs }
}

impl Case {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.inputs.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn set(mut self, text: &str) -> Self {
        self.inputs.overrides.push(text.to_owned());
        self
    }

    fn load(&self) -> Manifest {
        assert!(!format!("{:?}", self.inputs).contains(CANARY));
        let manifest = load(&self.inputs).unwrap();
        assert!(!format!("{manifest:?}").contains(CANARY));
        manifest
    }

    /// The error without the directory's name. It must never hold the canary.
    fn error(&self) -> String {
        let error = load(&self.inputs).unwrap_err();
        assert!(!format!("{error:?}").contains(CANARY), "{error}");
        let directory = format!("{}/", self.directory.path().display());
        error.text.replace(&directory, "")
    }
}

fn builtin() -> Case {
    case(&[])
}

/// A manifest with one service of these lines, which begin at line 3.
fn one(lines: &str) -> Case {
    let text = format!("version = 1\n[services.a]\n{lines}\n");
    case(&[("dbctl.toml", &text)])
}

/// The lines of a service that is right.
const GOOD: &str =
    "store = \"postgres\"\nset = \"rgb_users\"\ndatabase = \"d\"\nrole = \"r\"\nhost = \"h\"";

fn service<'a>(manifest: &'a Manifest, name: &str) -> &'a Service {
    manifest.service(name).unwrap()
}

fn display(service: &Service) -> String {
    service.endpoint().unwrap().display()
}

fn source_of(service: &Service, key: &str) -> Source {
    let shown = service.shown.iter().find(|shown| shown.key == key);
    shown.unwrap().source.clone()
}

#[test]
fn the_builtin_manifest_is_the_kaspa_system() {
    let manifest = builtin().load();
    let names: Vec<&str> = manifest.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "k-indexer",
            "simply-kaspa-indexer",
            "kasia-indexer",
            "rgb-lightning-node"
        ]
    );
    assert_eq!(manifest.topology, Topology::Any);
    let k = service(&manifest, "k-indexer");
    assert_eq!(
        display(k),
        "postgresql://k_social_user@localhost:5433/ksocial"
    );
    assert!(k.default_password);
    assert_eq!(
        k.endpoint().unwrap().password.as_ref().unwrap().expose(),
        "k_social_secure_pass"
    );
    assert_eq!(source_of(k, "port"), Source::Default);
    assert_eq!(source_of(k, "host"), Source::BuiltIn);
    assert_eq!(k.container.as_ref().unwrap().value, "k-social-db");
    assert!(
        k.variables
            .contains(&("port", vec!["K_SOCIAL_DB_PORT".to_owned()]))
    );
    assert_eq!(k.set_dir, None);
    let rgb = service(&manifest, "rgb-lightning-node");
    let Target::NotConfigured { variables } = &rgb.target else {
        unreachable!("no URL is set");
    };
    assert_eq!(variables, &["RGB_DATABASE_URL", "DATABASE_URL"]);
    assert!(matches!(
        service(&manifest, "kasia-indexer").target,
        Target::Files
    ));
}

#[test]
fn the_manifest_is_found_in_order() {
    let text = |name: &str| format!("version = 1\n[services.{name}]\nstore = \"files\"\n");
    let mut case = case(&[
        ("dbctl.toml", &text("here")),
        ("x/env.toml", &text("env")),
        ("flag.toml", &text("flag")),
    ]);
    assert_eq!(case.load().services[0].name, "here");
    case = case.env("DBCTL_CONFIG", "");
    assert_eq!(case.load().services[0].name, "here");
    case = case.env("DBCTL_CONFIG", "x/env.toml");
    assert_eq!(case.load().services[0].name, "env");
    case.inputs.config = Some(PathBuf::from("flag.toml"));
    assert_eq!(case.load().services[0].name, "flag");
    case.inputs.config = Some(PathBuf::from("gone.toml"));
    assert!(
        case.error()
            .starts_with("gone.toml: expected a manifest (named by --config)")
    );
    case.inputs.config = None;
    case = case.env("DBCTL_CONFIG", "x/gone.toml");
    assert!(case.error().contains("named by environment DBCTL_CONFIG"));
}

#[test]
fn a_service_may_do_without_password_set_or_database() {
    let manifest = one(&format!("{GOOD}\npassword = {{ env = \"PW\" }}")).load();
    assert_eq!(manifest.services[0].endpoint().unwrap().password, None);
    let managed = GOOD.replace("set = \"rgb_users\"", "managed = \"service\"");
    assert_eq!(one(&managed).load().services[0].set, None);
    let optional = GOOD.replace("host = \"h\"", "optional = true");
    assert!(matches!(
        one(&optional).load().services[0].target,
        Target::NotConfigured { .. }
    ));
    let text = format!("{GOOD}\nstorage_dir = \"data\"");
    let case = one(&text);
    let storage = case.load().services[0].storage_dir.clone().unwrap();
    assert_eq!(storage.value, case.directory.path().join("data"));
    assert_eq!(storage.source, Source::File(8));
}

#[test]
fn allow_entries_are_read() {
    let entry = "[[allow]]\nrule = \"link/foreign-server\"\nservice = \"a\"\nobject = \"o\"\nreason = \"why\"\nuntil = 2027-03-31\n[[allow]]\nrule = \"x/y\"\nreason = \"z\"\nuntil = \"2027-03-31\"\nnot_checked = true";
    let manifest = one(&format!("{GOOD}\n{entry}")).load();
    let date = time::macros::date!(2027 - 03 - 31);
    let [first, second] = manifest.allow.as_slice() else {
        unreachable!("there are two");
    };
    assert_eq!(
        (first.line, first.until, first.not_checked),
        (8, Some(date), false)
    );
    assert_eq!(first.service.as_deref(), Some("a"));
    assert_eq!(
        (second.line, second.until, second.not_checked),
        (14, Some(date), true)
    );
    assert_eq!(second.service, None);
}

#[test]
fn services_are_selected_by_name() {
    let manifest = builtin().load();
    assert_eq!(manifest.select(&[]).unwrap().len(), 4);
    let names = [
        "kasia-indexer".to_owned(),
        "k-indexer".to_owned(),
        "k-indexer".to_owned(),
    ];
    let chosen: Vec<&str> = manifest
        .select(&names)
        .unwrap()
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    assert_eq!(chosen, ["k-indexer", "kasia-indexer"]);
    assert_eq!(
        manifest.select(&["k-indexr".to_owned()]).unwrap_err(),
        "unknown service \"k-indexr\": did you mean k-indexer? the built-in manifest has k-indexer, simply-kaspa-indexer, kasia-indexer, rgb-lightning-node"
    );
    assert_eq!(
        manifest.suggest("rgb-lightning"),
        Some("rgb-lightning-node")
    );
}
