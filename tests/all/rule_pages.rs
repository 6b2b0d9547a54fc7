//! docs/rules.md is what `dbctl rules` says. `DBCTL_BLESS=1 cargo test --test all rule_pages` writes it anew.

use std::process::Command;

use serde_json::Value;

/// The page of all rules, from the binary's own words.
fn page() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dbctl"))
        .args(["rules", "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let rules: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules = rules["rules"].as_array().unwrap();
    let text = |rule: &Value, key: &str| rule[key].as_str().unwrap().to_owned();
    let mut groups: Vec<(String, usize)> = Vec::new();
    for rule in rules {
        let id = text(rule, "id");
        let group = id.split('/').next().unwrap().to_owned();
        match groups.last_mut() {
            Some((last, count)) if *last == group => *count += 1,
            _ => groups.push((group, 1)),
        }
    }
    let groups: Vec<String> = groups
        .iter()
        .map(|(group, count)| format!("{count} of `{group}`"))
        .collect();
    let mut page = format!(
        "# The rules of `dbctl verify` and `dbctl check`\n\n\
         There are {} rules, each with a page that `dbctl rules ID` shows: {}. This file is written from those pages by a test.\n\
         A report counts the rules that it asked, which are fewer: those about what the system has. `compose` needs a compose file, \
         `files` a\nconfigured directory, `allow` an entry in the manifest; `check` asks no server, and so only `files`, `compose`, \
         `sets`, `allow`, and of `identity` what the manifest alone tells.\n\n\
         | rule | severity | asks |\n|---|---|---|\n",
        rules.len(),
        groups.join(", ")
    );
    for rule in rules {
        let id = text(rule, "id");
        page.push_str(&format!(
            "| [{id}](#{}) | {} | {} |\n",
            id.replace('/', ""),
            text(rule, "severity"),
            text(rule, "summary")
        ));
    }
    for rule in rules {
        let mut code = false;
        page.push('\n');
        for line in text(rule, "help").trim_end().lines() {
            code ^= line.starts_with("```");
            // One level down: the page has a heading of its own.
            if line.starts_with('#') && !code {
                page.push('#');
            }
            page.push_str(line);
            page.push('\n');
        }
    }
    page
}

#[test]
fn the_page_of_rules_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
    let page = page();
    if std::env::var_os("DBCTL_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == page,
        "docs/rules.md is older than the rules: DBCTL_BLESS=1 cargo test --test all rule_pages"
    );
}

/// The reports in the documents are of a system without compose files and exceptions; these were asked.
#[test]
fn documents_count_the_rules_that_there_are() {
    let page = page();
    let ids = page.lines().filter_map(|line| line.strip_prefix("| ["));
    let asked = ids.filter(|id| !id.starts_with("compose/") && !id.starts_with("allow/"));
    let asked = asked.count().to_string();
    for (file, before, after) in [
        ("README.md", "services, ", " rules"),
        ("docs/formats.md", "services, ", " rules"),
        ("docs/json.md", "\"rules\": ", ","),
    ] {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let parts = text.split(before).skip(1);
        let counts: Vec<&str> = parts
            .filter_map(|part| part.split_once(after))
            .map(|(count, _)| count)
            .filter(|count| count.parse::<usize>().is_ok())
            .collect();
        assert!(!counts.is_empty(), "{file}");
        assert!(
            counts.iter().all(|count| **count == asked),
            "{file}: {counts:?}, and {asked} are asked"
        );
    }
}
