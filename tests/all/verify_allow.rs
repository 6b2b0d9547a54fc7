//! The allow-list on machines that see more, and on machines that see less.

use crate::lab::{Lab, R};
use crate::verify_cases::{list, shown, text, verify};

#[test]
fn an_entry_for_another_machine_is_not_called_idle() {
    let mut lab = Lab::migrated();
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    let rules = |report: &serde_json::Value| -> Vec<String> {
        let found = list(report, "findings").iter();
        found.map(|found| text(found, "rule").to_owned()).collect()
    };
    let seen = verify(&lab, &["--service", R]);
    assert_eq!(rules(&seen), Vec::<String>::new(), "{}", shown(&seen));
    let mut less = lab.env.clone();
    less.retain(|name, _| !name.ends_with("_ADMIN"));
    let more = std::mem::replace(&mut lab.env, less.clone());
    let gaps: Vec<String> = list(&verify(&lab, &["--service", R]), "not_checked")
        .iter()
        .map(|gap| text(gap, "rule").to_owned())
        .collect();
    let rule = gaps.first().unwrap();
    let entry = |more: &str| {
        format!(
            "\n[[allow]]\nrule = \"{rule}\"\nservice = \"{R}\"\nreason = \"seen by hand\"\n{more}\n"
        )
    };
    // One accepts that nobody looks where there is no administrator, the other what is found where there is one.
    lab.write(
        "dbctl.toml",
        format!(
            "{manifest}{}{}",
            entry("not_checked = true"),
            entry("object = \"elsewhere\"")
        ),
    );
    let report = verify(&lab, &["--service", R]);
    assert_eq!(rules(&report), Vec::<String>::new(), "{}", shown(&report));
    lab.env = more;
    let report = verify(&lab, &["--service", R]);
    let [found] = list(&report, "findings") else {
        panic!("{}", shown(&report));
    };
    // What was looked for and not found is idle.
    assert_eq!(text(found, "rule"), "allow/unmatched");
    assert!(
        text(found, "message").contains("about elsewhere"),
        "{found}"
    );
    // And so is what no machine can be meant by.
    lab.write(
        "dbctl.toml",
        format!(
            "{manifest}{}",
            entry("not_checked = true").replace(rule, "access/trsut")
        ),
    );
    let report = verify(&lab, &["--service", R]);
    assert_eq!(rules(&report), ["allow/unmatched"], "{}", shown(&report));
}
