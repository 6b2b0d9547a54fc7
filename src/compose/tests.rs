//! Whole projects from files.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Condition, Container, Project, Text, Wanted, load};

/// A project of these files; those whose names begin with `compose` are named, in their order.
fn project(files: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Project, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut named = Vec::new();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        if name.starts_with("compose") {
            named.push((*name).into());
        }
    }
    let env: BTreeMap<String, String> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    load(&Wanted {
        files: named,
        env,
        garbled: std::collections::BTreeSet::new(),
        directory: folder.path().to_path_buf(),
    })
    .map_err(|error| error.to_string())
}

fn one(files: &[(&str, &str)]) -> Container {
    project(files, &[]).unwrap().containers.remove(0)
}

fn variable(container: &Container, name: &str) -> String {
    container
        .variable(name)
        .map_or_else(|| "unset".to_owned(), |variable| variable.value.shown())
}

#[test]
fn later_files_go_over_earlier_ones() {
    let container = one(&[
        (
            "compose.yaml",
            "services:\n  a:\n    image: x:1\n    command: [one]\n    environment: [A=1, B=2]\n    ports: [\"1:1\"]\n    volumes: [\"v:/data\", \"w:/other\"]\n    depends_on: [b]\nvolumes: {v: , w: }\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  a:\n    image: x:2\n    command: [two, three]\n    environment: {B: 3, C: \"${NO:?}\"}\n    ports: [\"2:2\"]\n    volumes: [\"u:/data\"]\n    depends_on: {b: {condition: service_healthy}}\n",
        ),
    ]);
    assert_eq!(container.image.as_ref().unwrap().text.shown(), "x:2");
    assert_eq!(container.command.len(), 2);
    assert_eq!(
        ["A", "B", "C"].map(|name| variable(&container, name)),
        ["1", "3", "${NO}"]
    );
    assert_eq!(container.ports.len(), 2);
    let mut mounts: Vec<&str> = container.mounts.iter().map(|mount| mount.shown()).collect();
    mounts.sort_unstable();
    assert_eq!(mounts, ["u", "w"]);
    assert_eq!(container.depends_on[0].condition, Condition::Healthy);
}

#[test]
fn an_override_can_reset_and_replace() {
    let container = one(&[
        (
            "compose.yaml",
            "services: {a: {image: x, ports: [\"1:1\"], environment: {A: 1, B: 2}, volumes: [v:/v]}}",
        ),
        (
            "compose.b.yaml",
            "services:\n  a:\n    ports: !override [\"2:2\"]\n    environment: {A: !reset null}\n    volumes: !reset []\n",
        ),
    ]);
    assert_eq!(container.ports.len(), 1);
    assert_eq!(variable(&container, "A"), "unset");
    assert_eq!(variable(&container, "B"), "2");
    assert!(container.mounts.is_empty());
}

/// What is written behind `!reset` does not count, whatever the key holds.
#[test]
fn a_list_or_a_map_can_be_reset_by_null_and_by_nothing() {
    let base = "services: {a: {image: x, ports: [\"1:1\"], environment: {A: 1}, volumes: [v:/v], healthcheck: {test: [CMD, x]}}}";
    for reset in ["!reset null", "!reset", "!reset []", "!reset x"] {
        let over = format!(
            "services:\n  a:\n    ports: {reset}\n    environment: {reset}\n    volumes: {reset}\n    healthcheck: {reset}\n"
        );
        let container = one(&[("compose.yaml", base), ("compose.b.yaml", over.as_str())]);
        assert!(container.ports.is_empty(), "{reset}");
        assert_eq!(variable(&container, "A"), "unset", "{reset}");
        assert!(container.mounts.is_empty(), "{reset}");
    }
}

#[test]
fn an_override_takes_a_whole_service_out() {
    let base = "services: {a: {image: x}, b: {image: y, depends_on: [a]}}";
    for reset in ["!reset null", "!reset", "!reset {}", "!reset {image: z}"] {
        let over = format!("services:\n  b: {reset}\n");
        let container = one(&[("compose.yaml", base), ("compose.b.yaml", over.as_str())]);
        assert_eq!(container.name, "a", "{reset}");
    }
}

#[test]
fn anchors_merges_extends_and_include() {
    let files = [
        (
            "compose.yaml",
            "include: [sub/inc.yaml]\nx-base: &base\n  image: x:1\n  environment: &env {A: 1, B: 2}\nservices:\n  a:\n    <<: *base\n    environment:\n      <<: *env\n      B: 3\n    extends: {file: sub/ext.yaml, service: e}\n    env_file: a.env\n",
        ),
        (
            "sub/ext.yaml",
            "services:\n  d: {volumes: [\"./here:/d\"], environment: {A: 0, D: \"${DOT}\"}}\n  e: {extends: d}\n",
        ),
        (
            "sub/inc.yaml",
            "services:\n  i: {image: i, environment: [\"I=${SUB}\"], volumes: [\"./here:/d\"]}\n",
        ),
        ("sub/.env", "SUB=sub\n"),
        (".env", "DOT=dot\n"),
        ("a.env", "B=file\nF=\"of ${DOT}\"\n"),
    ];
    let project = project(&files, &[]).unwrap();
    let find = |name: &str| {
        project
            .containers
            .iter()
            .find(|it| it.name == name)
            .unwrap()
    };
    let a = find("a");
    assert_eq!(
        ["A", "B", "D", "F"].map(|name| variable(a, name)),
        ["1", "3", "dot", "of dot"]
    );
    assert_eq!(a.image.as_ref().unwrap().text.shown(), "x:1");
    let i = find("i");
    assert_eq!(variable(i, "I"), "sub");
    // Both say ./here of the folder that their file is in.
    let source = |container: &Container| container.mounts[0].source.clone().unwrap();
    assert!(source(a).is(&source(i)));
    assert!(source(a).host.unwrap().ends_with("sub/here"));
}

#[test]
fn the_environment_beats_dotenv_and_unknown_is_unknown() {
    let files = [
        (
            "compose.yaml",
            "services: {a: {image: x, environment: {A: $A, B: $B, C: \"${C:-c}\", P: }}}",
        ),
        (".env", "A=dot\nB=dot\n"),
    ];
    let project = project(&files, &[("A", "env"), ("P", "passed")]).unwrap();
    let a = &project.containers[0];
    assert_eq!(
        ["A", "B", "C", "P"].map(|name| variable(a, name)),
        ["env", "dot", "c", "passed"]
    );
}

#[test]
fn ports_and_mounts_in_both_syntaxes() {
    let container = one(&[(
        "compose.yaml",
        "services:\n  a:\n    image: x\n    ports: [\"80\", 81, \"1:2\", \"127.0.0.1:3:4/udp\", \"[::1]:5:6\", \"${NO:-7}:8\", {target: 9, published: 10, host_ip: 0.0.0.0}]\n    volumes:\n      - /anonymous\n      - ./bind:/b:ro\n      - named:/n\n      - {type: bind, source: ./bind, target: /c, read_only: true}\n      - {type: tmpfs, target: /t}\n    tmpfs: /u\nvolumes: {named: {name: real}}\n",
    )]);
    let shown: Vec<String> = container
        .ports
        .iter()
        .map(|port| {
            let part =
                |part: &Option<Text>| part.as_ref().map_or_else(|| "-".to_owned(), Text::shown);
            format!(
                "{} {} {} {}",
                part(&port.address),
                part(&port.published),
                port.target.shown(),
                port.protocol
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "- - 80 tcp",
            "- - 81 tcp",
            "- 1 2 tcp",
            "127.0.0.1 3 4 udp",
            "::1 5 6 tcp",
            "- 7 8 tcp",
            "0.0.0.0 10 9 tcp"
        ]
    );
    let mounts: Vec<(String, bool, bool)> = container
        .mounts
        .iter()
        .map(|mount| (mount.shown().to_owned(), mount.read_only, mount.memory))
        .collect();
    let is = |shown: &str, read_only, memory| (shown.to_owned(), read_only, memory);
    let anonymous = "an anonymous volume";
    assert_eq!(
        mounts,
        [
            is(anonymous, false, false),
            is("./bind", true, false),
            is("named (named real)", false, false),
            is("./bind", true, false),
            is(anonymous, false, true),
            is(anonymous, false, true),
        ]
    );
}

#[test]
fn errors_name_the_place_and_no_value() {
    for (text, expected) in [
        ("services: [", "compose.yaml:2:1: not YAML"),
        ("services:\n  a: {image: [}", "compose.yaml:2:"),
        (
            "services:\n  a: canary",
            "compose.yaml:2:6: services.a: expected a map, found a text",
        ),
        (
            "services:\n  a:\n    ports: canary",
            "compose.yaml:3:12: services.a.ports: expected a list",
        ),
        (
            "services:\n  a:\n    environment: canary",
            "compose.yaml:3:18: services.a.environment: expected a map or a list",
        ),
        (
            "services:\n  a: {environment: {A: [canary]}}",
            "compose.yaml:2:24: services.a.environment.A",
        ),
        (
            "services:\n  a: {image: \"canary${\"}",
            "compose.yaml:2:14: a ${",
        ),
        (
            "services:\n  a: {image: x}\n  a: {image: y}",
            "compose.yaml:3:3: this key is there already, in line 2",
        ),
        ("services:\n  a: {image: *no}", "compose.yaml:2:"),
        (
            "include: [canaries.yaml]\nservices: {a: {image: x}}",
            "canaries.yaml: expected a compose file",
        ),
        ("volumes: {}", "compose.yaml:1:1: expected services"),
        ("[1, 2]", "compose.yaml:1:1: expected a map with services"),
        ("", "compose.yaml:1:1: expected services"),
        (
            "services: {a: {image: x, env_file: [bad.env]}}",
            "bad.env:1:1: this is no line",
        ),
    ] {
        let error = project(&[("compose.yaml", text), ("bad.env", "A B=canary")], &[]).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.replace("canaries", "").contains("canary"), "{error}");
    }
}

#[test]
fn what_explodes_is_bounded() {
    let mut laughs = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = level - 1;
        let list = vec![format!("*a{below}"); 10].join(", ");
        laughs.push_str(&format!("x-{level}: &a{level} [{list}]\n"));
    }
    let wide: String = (0..60_000).map(|key| format!("k{key}: 1\n")).collect();
    for text in [
        laughs,
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        format!("services:\n  a: {{image: \"{}\"}}", "${A:-".repeat(100_000)),
        wide,
        format!(
            "services: {{a: {{image: x, <<: [{}]}}}}",
            "{}, ".repeat(40_000)
        ),
    ] {
        let started = Instant::now();
        let error = project(&[("compose.yaml", &text)], &[]);
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{}",
            text.len()
        );
        assert!(error.is_err() || text.contains("<<"), "{}", text.len());
    }
}

#[test]
fn whatever_the_file_it_ends_without_a_panic() {
    let seed = include_str!("../../tests/all/compose/reference.yaml");
    let pieces = [
        "&a ",
        "*a",
        "<<: *database\n",
        "${",
        "}",
        "$",
        ":",
        "- ",
        "\n",
        "\t",
        "  ",
        "[",
        "]",
        "{",
        "'",
        "\"",
        "!reset ",
        "null",
        "|\n",
        "#",
        "@",
        "\u{0}",
        "é",
        "\u{f0000}",
        "extends: ",
        "://",
        "postgres://",
        "%",
    ];
    let mut state: u64 = 20_261_122;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    let mut read = 0;
    let manifest = crate::manifest::load(&crate::manifest::Inputs::default()).unwrap();
    for _ in 0..500 {
        let mut text: Vec<char> = seed.chars().collect();
        for _ in 0..=next(4) {
            let at = next(text.len());
            match next(3) {
                0 => {
                    let end = (at + next(30)).min(text.len());
                    text.drain(at..end);
                }
                1 => {
                    let piece: Vec<char> = pieces[next(pieces.len())].chars().collect();
                    text.splice(at..at, piece);
                }
                _ => {
                    let end = (at + next(200)).min(text.len());
                    let copy = text[at..end].to_vec();
                    let to = next(text.len());
                    text.splice(to..to, copy);
                }
            }
        }
        let text: String = text.into_iter().collect();
        if let Ok(project) = project(&[("compose.yaml", &text)], &[]) {
            read += 1;
            let deployment = super::Deployment::new(project, &manifest, true);
            assert_eq!(
                deployment.parties.len(),
                deployment.project.containers.len()
            );
        }
    }
    assert!(read > 30, "only {read} of the files could be read");
}
