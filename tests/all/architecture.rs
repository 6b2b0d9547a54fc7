//! The layers of ARCHITECTURE.md, held by reading the imports.

use std::path::{Path, PathBuf};

/// Which modules of the crate each layer may name. A layer may always name itself, `secret` and `exit`.
const LAYERS: &[(&str, &[&str])] = &[
    ("manifest", &["migration"]),
    ("snapshot", &[]),
    ("migration", &["snapshot"]),
    (
        "rules",
        &[
            "manifest",
            "migration",
            "snapshot",
            "report",
            "compose",
            "files",
            "sqlite",
        ],
    ),
    ("report", &["manifest", "snapshot"]),
    ("render", &["report"]),
    ("postgres", &["manifest", "migration", "snapshot"]),
    ("sqlite", &["snapshot"]),
    ("compose", &["manifest"]),
    ("files", &["manifest", "snapshot", "sqlite"]),
    ("sandbox", &["manifest"]),
];

/// Crates that only one folder may name.
const ONLY_IN: &[(&str, &str)] = &[
    ("tokio_postgres", "postgres"),
    ("refinery_core", "postgres"),
    ("sqlx", "sqlite"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&src, &mut found);
    assert!(found.len() > 40, "the sources were not found");
    found
        .into_iter()
        .filter(|path| {
            !["tests.rs", "fixture.rs"]
                .iter()
                .any(|end| path.to_str().unwrap().ends_with(end))
        })
        .map(|path| {
            let relative = path.strip_prefix(&src).unwrap().to_path_buf();
            let layer = relative
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap()
                .to_owned();
            // Comments and unit tests may name anything.
            let text: String = std::fs::read_to_string(&path)
                .unwrap()
                .lines()
                .take_while(|line| *line != "mod tests {")
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            (relative, layer, text)
        })
        .collect()
}

#[test]
fn imports_go_one_way() {
    for (path, layer, text) in all_sources() {
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            continue;
        };
        for (index, _) in text.match_indices("crate::") {
            let rest = &text[index + "crate::".len()..];
            let names: Vec<&str> = if rest.starts_with('{') {
                rest[1..rest.find("};").unwrap_or(rest.len())]
                    .split(',')
                    .filter_map(|part| part.trim().split("::").next())
                    .collect()
            } else {
                vec![
                    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                        .next()
                        .unwrap(),
                ]
            };
            for name in names {
                let free = name == layer
                    || matches!(
                        name,
                        "secret" | "exit" | "regular" | "dotenv" | "VERSION" | ""
                    );
                assert!(
                    free || allowed.contains(&name),
                    "{}: layer {layer} must not name crate::{name}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn drivers_are_named_in_one_place() {
    for (path, layer, text) in all_sources() {
        for (driver, home) in ONLY_IN {
            let named = text.contains(&format!("{driver}::"));
            // The loader of sets needs refinery's checksum, which is the file format and not the driver.
            let checksum = *driver == "refinery_core" && path.ends_with("migration/set.rs");
            assert!(
                !named || layer == *home || checksum,
                "{} names {driver}",
                path.display()
            );
        }
    }
}

#[test]
fn the_library_cannot_print() {
    let outside = [
        "main.rs",
        "cli.rs",
        "deliver.rs",
        "examples.rs",
        "manual.rs",
        "output.rs",
        "output_file.rs",
        "progress.rs",
        "verbs.rs",
        "verbs",
    ];
    for (path, _, text) in all_sources() {
        if outside.iter().any(|name| path.starts_with(name)) {
            continue;
        }
        for call in [
            "println!",
            "eprintln!",
            "print!(",
            "io::stdout",
            "io::stderr",
            "clap::",
        ] {
            assert!(!text.contains(call), "{} has {call}", path.display());
        }
    }
}

/// An operator copies what a message advises: a command that is about one service names it.
#[test]
fn commands_that_want_a_service_are_advised_in_full() {
    let help = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules/help");
    let pages = std::fs::read_dir(help).unwrap().map(|page| {
        let page = page.unwrap().path();
        let text = std::fs::read_to_string(&page).unwrap();
        (page, text)
    });
    let sources = all_sources()
        .into_iter()
        .map(|(path, _, text)| (path, text));
    let mut seen = 0;
    for (path, text) in sources.chain(pages) {
        // A string goes on in the next line.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.replace("\\ ", "");
        for command in ["dbctl repair", "dbctl baseline", "dbctl rollback"] {
            for (index, _) in text.match_indices(command) {
                let rest = &text[index + command.len()..];
                seen += 1;
                // The name of a session, and what the command itself does not do, are no advice.
                let fine = [" --service ", " {", " cannot "];
                assert!(
                    fine.iter().any(|fine| rest.starts_with(fine)),
                    "{}: {command} without --service: …{}",
                    path.display(),
                    text[index..].chars().take(80).collect::<String>()
                );
            }
        }
    }
    assert!(seen > 30, "the messages were not found");
}
