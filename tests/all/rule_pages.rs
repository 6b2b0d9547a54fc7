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
    let mut page = format!(
        "# The rules of `dbctl verify`\n\nThese are the {} pages that `dbctl rules ID` shows, written from them by a test.\n\n\
         | rule | severity | asks |\n|---|---|---|\n",
        rules.len()
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
