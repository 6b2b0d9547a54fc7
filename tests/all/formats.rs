//! The forms of the report of `verify` and `check`, on a real system with findings of every severity, gaps, accepted
//! entries and hostile names.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use quick_junit::{NonSuccessKind, TestCaseStatus};
use serde_json::Value;

use crate::lab::{K, Lab, R, Run, S, dbctl, finish};
use crate::verify_cases::{list, text};

/// Tables' names that mean something in a form: markup, a workflow command, a mention, placeholders, what reorders text. No name
/// has more than 63 bytes.
const HOSTILE: [&str; 2] = [
    "<script>alert(1)</script>|`x`_**_ [a](http://b) @root \"'&amp;",
    "{0} ]]> % :: , \n::error::owned\r\t\u{202e}\u{1b}[31m",
];

/// A lab in which everything occurs that a report can say, and what the manifest accepts of it.
fn zoo() -> Lab {
    let mut lab = Lab::migrated();
    for name in HOSTILE {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        lab.sql("ksocial", &format!("CREATE TABLE public.{quoted} (id int)"));
    }
    lab.sql("ksocial", "DROP TABLE dbctl.identity");
    lab.sql("simply_kaspa", "CREATE TABLE public.k_posts (id int)");
    lab.sql("rgb_lightning_node", "CREATE TABLE public.known (id int)");
    let (database, role) = (lab.db("ksocial"), lab.db("simply_kaspa_user"));
    lab.sql(
        "ksocial",
        &format!("GRANT CONNECT ON DATABASE {database} TO {role}"),
    );
    lab.env.remove("SIMPLY_KASPA_ADMIN");
    lab.env.remove("RGB_USERS_ADMIN");
    let manifest = std::fs::read_to_string(lab.path().join("dbctl.toml")).unwrap();
    lab.write(
        "dbctl.toml",
        format!(
            "{manifest}\n[[allow]]\nrule = \"drift/unknown-object\"\nservice = \"{R}\"\nobject = \"known\"\n\
             reason = \"<b>an</b> operator's | own\"\nuntil = \"2099-12-31\"\n\
             \n[[allow]]\nrule = \"access/trust\"\nservice = \"{R}\"\nnot_checked = true\nreason = \"seen by hand\"\n\
             \n[[allow]]\nrule = \"link/foreign-server\"\nservice = \"{K}\"\nreason = \"long gone\"\n"
        ),
    );
    lab
}

/// One run with every form at once.
struct Forms {
    lab: Lab,
    run: Run,
    json: Value,
}

impl Forms {
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.lab.path().join(name)).unwrap()
    }
}

static FORMS: LazyLock<Forms> = LazyLock::new(|| {
    let mut lab = zoo();
    let summary = lab.write("summary.md", "before\n");
    lab.env.insert(
        "GITHUB_STEP_SUMMARY".to_owned(),
        summary.display().to_string(),
    );
    lab.write("out/report.html", "an older report");
    let run = lab
        .run(&[
            "verify",
            "--output=out/report.html",
            "--output=out/report.sarif",
            "--output=out/junit.xml",
            "--output=out/report.md",
            "--output=out/report.txt",
            "--output=out/report.json",
            "--output=github=out/commands",
        ])
        .exits(1);
    // For scripts/report-check.sh, which looks at them with tools that a test cannot expect.
    if let Some(folder) = std::env::var_os("DBCTL_TEST_REPORTS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["report.html", "report.sarif", "junit.xml", "report.md"] {
            std::fs::copy(lab.path().join("out").join(name), folder.join(name)).unwrap();
        }
    }
    let json = std::fs::read_to_string(lab.path().join("out/report.json")).unwrap();
    Forms {
        json: serde_json::from_str(&json).unwrap(),
        lab,
        run,
    }
});

#[test]
fn all_forms_in_one_run_and_the_table_on_stdout() {
    let forms = &*FORMS;
    assert_eq!(forms.json["status"], "fail");
    for severity in ["error", "warning", "info", "not_checked", "allowed"] {
        assert!(
            forms.json["summary"][severity].as_u64().unwrap() > 0,
            "{severity}: {}",
            forms.json
        );
    }
    assert_eq!(forms.read("out/report.txt"), forms.run.out);
    assert!(forms.run.out.starts_with("SERVICE "));
    let mut names: Vec<String> = std::fs::read_dir(forms.lab.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "commands",
            "junit.xml",
            "report.html",
            "report.json",
            "report.md",
            "report.sarif",
            "report.txt"
        ]
    );
    for name in names {
        let text = forms.read(&format!("out/{name}"));
        assert!(text.contains("foreign-connect"), "{name}");
        assert!(!text.contains("c4nary"), "a password in {name}");
        assert!(
            !text.contains(['\u{202e}', '\u{1b}']),
            "{name} can be deceived"
        );
        assert!(
            text.contains("k_posts") || text.contains(r"k\_posts"),
            "{name}"
        );
        assert!(!text.contains("an older report"), "{name}");
    }
}

#[test]
fn json_tells_the_place_of_an_entry_of_the_manifest() {
    let forms = &*FORMS;
    let found = list(&forms.json, "findings")
        .iter()
        .find(|found| found["rule"] == "allow/unmatched")
        .unwrap();
    let line = forms.lab.line("reason = \"long gone\"") - 3;
    assert_eq!(found["location"]["line"], line);
    assert_eq!(found["location"]["column"], 1);
    assert!(text(&found["location"], "file").ends_with("dbctl.toml"));
}

#[test]
fn sarif_is_valid_and_complete() {
    let forms = &*FORMS;
    let sarif: Value = serde_json::from_str(&forms.read("out/report.sarif")).unwrap();
    // The schema as OASIS publishes it has a pattern that not every reader of patterns takes: a bracket that nothing opened.
    let schema = include_str!("data/sarif-2.1.0.json").replace("{2}]?$", r"{2}\\]?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let errors: Vec<String> = schema
        .iter_errors(&sarif)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // It is the schema that says so: a result without a message is none.
    let mut broken = sarif.clone();
    broken["runs"][0]["results"][0]
        .as_object_mut()
        .unwrap()
        .remove("message");
    assert!(!schema.is_valid(&broken));
    serde_json::from_value::<serde_sarif::sarif::Sarif>(sarif.clone()).unwrap();

    let run = &sarif["runs"][0];
    assert_eq!(run["invocations"][0]["exitCode"], 1);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let results = list(run, "results");
    let of_kind = |kind: &str, suppressed: bool| {
        results
            .iter()
            .filter(|result| {
                result["kind"] == kind && result["suppressions"].is_array() == suppressed
            })
            .count()
    };
    assert_eq!(of_kind("fail", false), list(&forms.json, "findings").len());
    assert_eq!(
        of_kind("open", false),
        list(&forms.json, "not_checked").len()
    );
    assert_eq!((of_kind("fail", true), of_kind("open", true)), (1, 1));
    for (result, found) in results.iter().zip(list(&forms.json, "findings")) {
        let level = match text(found, "severity") {
            "info" => "note",
            other => other,
        };
        assert_eq!(
            (&result["ruleId"], text(result, "level")),
            (&found["rule"], level)
        );
    }
    for result in results {
        let rule = &run["tool"]["driver"]["rules"]
            [usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "dbctl.toml");
        assert!(place["region"]["startLine"].as_u64().unwrap() > 1);
        assert!(
            !text(&result["message"], "text").contains("[a](http"),
            "{result}"
        );
    }
    // What one finds again in the next run has the same fingerprint, and no other has it.
    let mut prints: Vec<&str> = results
        .iter()
        .map(|result| text(&result["partialFingerprints"], "dbctl/v1"))
        .collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), results.len());
}

#[test]
fn junit_counts_what_was_not_checked_as_an_error_and_nothing_twice() {
    let forms = &*FORMS;
    let report = quick_junit::Report::deserialize_from_str(&forms.read("out/junit.xml")).unwrap();
    let suites: Vec<&str> = report
        .test_suites
        .iter()
        .map(|suite| suite.name.as_str())
        .collect();
    assert_eq!(suites, [K, S, R]);
    let errors = |rule: &str| {
        let errors = list(&forms.json, "findings").iter();
        errors
            .filter(|found| found["severity"] == "error")
            .filter(|found| found["rule"] == rule)
            .count()
    };
    assert_eq!(
        (
            errors("access/foreign-connect"),
            errors("bleed/foreign-object")
        ),
        (1, 1)
    );
    let mut expected: Vec<String> = list(&forms.json, "findings")
        .iter()
        .filter(|found| found["severity"] == "error")
        .map(|found| format!("{} {}", text(found, "service"), text(found, "rule")))
        .collect();
    expected.sort();
    expected.dedup();
    let (mut failed, mut unknown, mut skipped, mut passed) = (Vec::new(), 0, 0, 0);
    for suite in &report.test_suites {
        for case in &suite.test_cases {
            let name = format!("{} {}", suite.name.as_str(), case.name.as_str());
            match &case.status {
                TestCaseStatus::NonSuccess {
                    kind: NonSuccessKind::Failure,
                    ..
                } => failed.push(name),
                TestCaseStatus::NonSuccess {
                    kind: NonSuccessKind::Error,
                    ..
                } => unknown += 1,
                TestCaseStatus::Skipped { .. } => skipped += 1,
                TestCaseStatus::Success { .. } => passed += 1,
            }
        }
    }
    failed.sort();
    assert_eq!(failed, expected);
    assert_eq!(unknown, list(&forms.json, "not_checked").len());
    assert_eq!(skipped, 2);
    assert!(passed > 100, "{passed}");
    assert_eq!(report.errors, unknown);
    assert_eq!(report.failures, failed.len());
}

#[test]
fn github_annotations_are_one_line_each_and_the_summary_is_added() {
    let forms = &*FORMS;
    let commands = forms.read("out/commands");
    let lines: Vec<&str> = commands.lines().collect();
    let (verdict, annotations) = lines.split_last().unwrap();
    assert!(verdict.starts_with("fail: "), "{verdict}");
    for line in annotations {
        let known = ["::error ", "::warning ", "::notice "];
        assert!(
            known.iter().any(|command| line.starts_with(command)),
            "{line}"
        );
    }
    let counted = |command: &str| {
        annotations
            .iter()
            .filter(|line| line.starts_with(command))
            .count()
    };
    assert_eq!(counted("::error "), forms.json["summary"]["error"]);
    let infos = list(&forms.json, "findings")
        .iter()
        .filter(|found| found["severity"] == "info")
        .count();
    assert_eq!(counted("::notice "), infos);
    let hostile = annotations
        .iter()
        .find(|line| line.contains("]]>"))
        .unwrap();
    assert!(
        hostile.contains("title=dbctl%3A drift/unknown-object::"),
        "{hostile}"
    );
    assert!(
        hostile.contains("{0} ]]> %25 :: , \\n::error::owned\\r\\t"),
        "{hostile}"
    );
    let entry = annotations
        .iter()
        .find(|line| line.contains("allow/unmatched"))
        .unwrap();
    assert!(entry.contains("file=dbctl.toml,line="), "{entry}");
    assert!(entry.contains(",col=1,title="), "{entry}");
    assert!(annotations.iter().any(
        |line| line.starts_with("::warning title=dbctl%3A not checked::") && line.contains(R)
    ));

    let summary = forms.read("summary.md");
    let report = forms.read("out/report.md");
    assert_eq!(summary, format!("before\n{report}"));
}

#[test]
fn markdown_and_html_show_the_matrix_and_no_markup_of_others() {
    let forms = &*FORMS;
    let (markdown, html) = (forms.read("out/report.md"), forms.read("out/report.html"));
    assert!(!markdown.contains("<script"), "{markdown}");
    assert!(
        markdown.contains(
            r"&lt;script&gt;alert(1)&lt;/script&gt;\|\`x\`\_\*\*\_ \[a\](http\://b) @<!-- -->root"
        ),
        "{markdown}"
    );
    assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for elsewhere in ["src=", "url(", "@import", "http-equiv=\"refresh", " on"] {
        let tags = html
            .split('<')
            .skip(1)
            .map(|tag| tag.split('>').next().unwrap());
        assert!(
            !tags.into_iter().any(|tag| tag.contains(elsewhere)),
            "{elsewhere}"
        );
    }
    // Every tag that is opened is closed, in order.
    let mut open: Vec<&str> = Vec::new();
    for tag in html
        .split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap())
    {
        let name = tag.split_whitespace().next().unwrap();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !["!DOCTYPE", "meta"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    // The role of S may connect to K's database; nobody looked at pg_hba.conf for S and R with an administrator's rights.
    let row = |name: &str| {
        let start = format!("| **{name}** |");
        let line = markdown
            .lines()
            .find(|line| line.starts_with(&start))
            .unwrap();
        line.trim_start_matches(&start)
            .trim()
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(row(K), ["own", "❔ not known", "❔ not known"]);
    assert_eq!(row(S), ["❌ can reach", "own", "❔ not known"]);
    assert_eq!(row(R), ["❔ not known", "❔ not known", "own"]);
    assert_eq!(
        row("everybody else"),
        ["✅ no way found", "❔ not known", "❔ not known"]
    );
    for word in [
        "Expected",
        "Actual",
        "How to mend",
        "Not checked",
        "Accepted by the manifest",
        "own database",
    ] {
        assert!(html.contains(word), "{word}");
    }
}

/// The exit code is the report's, whatever the form.
#[test]
fn exit_codes_and_the_threshold_are_the_same_in_every_form() {
    let lab = Lab::migrated();
    let formats = [
        "table", "json", "github", "sarif", "junit", "markdown", "html",
    ];
    let codes = |fail_on: &str| -> Vec<i32> {
        formats
            .iter()
            .map(|format| {
                lab.run(&["verify", "--format", format, "--fail-on", fail_on])
                    .code
            })
            .collect()
    };
    assert_eq!(codes("info"), [0; 7]);
    lab.sql("ksocial", "CREATE TABLE public.extra (id int)");
    assert_eq!(codes("error"), [0; 7]);
    assert_eq!(codes("warning"), [1; 7]);
    let mut lab = lab;
    lab.without_admin();
    let incomplete: Vec<i32> = formats
        .iter()
        .map(|format| lab.run(&["verify", "--format", format]).code)
        .collect();
    assert_eq!(incomplete, [4; 7]);
}

/// The same for `check`, which needs no server: clean, found, incomplete, and a compose file that is none.
#[test]
fn exit_codes_of_check_are_the_same_in_every_form() {
    let reference = include_str!("compose/reference.yaml");
    let unknown = reference.replace("@k-social-db:5432/ksocial", "@${SOMEWHERE}/ksocial");
    for (compose, fail_on, code) in [
        (reference, "error", 0),
        (reference, "warning", 1),
        (unknown.as_str(), "error", 4),
        (unknown.as_str(), "warning", 1),
        ("services: [", "error", 3),
    ] {
        let dir = tempfile::tempdir().unwrap();
        for service in ["k-social", "simply-kaspa"] {
            let init = dir.path().join(format!("config/{service}/init"));
            std::fs::create_dir_all(init).unwrap();
        }
        std::fs::write(dir.path().join("compose.yaml"), compose).unwrap();
        for format in [
            "table", "json", "github", "sarif", "junit", "markdown", "html",
        ] {
            let mut command = dbctl(dir.path());
            command.args(["check", "--format", format, "--fail-on", fail_on]);
            finish(command).exits(code);
        }
    }
}

/// In a directory of its own, with the built-in manifest.
fn alone(args: &[&str]) -> (tempfile::TempDir, Run) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = dbctl(dir.path());
    command.args(args);
    let run = finish(command);
    (dir, run)
}

#[test]
fn a_file_that_cannot_be_written_is_said_before_the_run() {
    for (args, code, why) in [
        (
            vec!["check", "--output", "no/report.html"],
            2,
            "no/report.html cannot be written: there is no directory no; make it first",
        ),
        (
            vec!["check", "--output", "/proc/report.html"],
            2,
            "no file can be made in directory /proc",
        ),
        (
            vec!["check", "--output", "html=/dev/null"],
            2,
            "no ordinary file",
        ),
        (vec!["check", "--output", "html=."], 2, "directory"),
        (
            vec!["check", "--output", "a.pdf"],
            2,
            "its ending names no form",
        ),
        (
            vec![
                "check",
                "--output",
                "a.html",
                "--output",
                "markdown=./a.html",
            ],
            2,
            "twice",
        ),
        (
            vec!["services", "--format", "sarif"],
            2,
            "--format table and --format json",
        ),
        (vec!["verify", "--format", "sariff"], 2, "sarif"),
    ] {
        let (dir, run) = alone(&args);
        let run = run.exits(code).says(why);
        assert_eq!(run.out, "", "{args:?}");
        assert!(!run.err.contains("read: "), "{args:?}: {}", run.err);
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            0,
            "{args:?}"
        );
    }
}

#[test]
fn check_has_every_form_without_a_server() {
    let (dir, run) = alone(&[
        "check", "--output", "r.sarif", "--output", "r.xml", "--format", "html",
    ]);
    let run = run.exits(0);
    assert!(run.out.starts_with("<!DOCTYPE html>") && run.out.contains("not known"));
    assert!(
        !run.out.contains("<td class=\"shut\">"),
        "nobody looked into a database"
    );
    let sarif = std::fs::read_to_string(dir.path().join("r.sarif")).unwrap();
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .all(|result| result["suppressions"][0]["kind"] == "inSource"),
        "{results:?}"
    );
    let junit = std::fs::read_to_string(dir.path().join("r.xml")).unwrap();
    assert!(
        quick_junit::Report::deserialize_from_str(&junit)
            .unwrap()
            .tests
            > 0
    );
}

#[test]
fn help_answers() {
    alone(&["explain", "4"])
        .1
        .exits(0)
        .says("exit code 4: incomplete");
    alone(&["explain", "55P03"])
        .1
        .exits(0)
        .says("lock_not_available");
    alone(&["explain", "access/trust"])
        .1
        .exits(0)
        .says("pg_hba.conf");
    alone(&["explain", "acess/trust"])
        .1
        .exits(2)
        .says("did you mean access/trust?");
    alone(&["explain", "77"])
        .1
        .exits(2)
        .says("0, 1, 2, 3, 4, 5, 6, 130");
    let json = alone(&["explain", "--format", "json"]).1.exits(0).json();
    assert_eq!(list(&json, "explanations").len(), 8);
    alone(&["verify", "--service", "k-indxer"])
        .1
        .exits(2)
        .says("did you mean k-indexer?");
    alone(&["verfy"]).1.exits(2).says("'verify'");
    alone(&["verify", "--help"])
        .1
        .exits(0)
        .says("Examples:")
        .says("--output report.html");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        alone(&["completions", shell]).1.exits(0).says("explain");
    }
    let run = alone(&["completions", "bash"]).1.exits(0);
    let mut bash = Command::new("bash");
    bash.args(["-n", "-c", &run.out]);
    assert!(bash.status().unwrap().success());
    alone(&["man"]).1.exits(0).says(".TH dbctl 1");
    let (dir, run) = alone(&["man", "--dir", "share/man1"]);
    run.exits(0);
    assert!(dir.path().join("share/man1/dbctl-verify.1").is_file());
    let file = dir.path().join("share/man1/dbctl.1");
    alone(&["man", "--dir", file.to_str().unwrap()])
        .1
        .exits(3)
        .says("cannot be made");
    let (dir, run) = alone(&["man", "--dir", "."]);
    run.exits(0);
    for page in ["dbctl.1", "dbctl-verify.1", "dbctl-sandbox-run.1"] {
        let path: PathBuf = dir.path().join(page);
        assert!(
            std::fs::read_to_string(path).unwrap().contains(".TH "),
            "{page}"
        );
    }
}

#[test]
fn a_narrow_terminal_breaks_no_word_and_no_colour_is_respected() {
    let lab = Lab::migrated();
    for columns in ["60", "40"] {
        let mut command = lab.command(&["verify"]);
        command.env("COLUMNS", columns);
        let run = finish(command).exits(0);
        for word in [
            K,
            S,
            R,
            lab.db("rgb_lightning_node").as_str(),
            "TimescaleDB",
        ] {
            assert!(run.out.contains(word), "{columns}:\n{}", run.out);
        }
        let longest = run
            .out
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(
            longest <= columns.parse().unwrap(),
            "{columns}:\n{}",
            run.out
        );
        assert!(!run.out.contains('\u{1b}'));
    }
    assert!(
        lab.run(&["rules", "--color", "always"])
            .exits(0)
            .out
            .contains("\u{1b}[31m")
    );
    let mut command = lab.command(&["rules"]);
    command.env("NO_COLOR", "1");
    assert!(!finish(command).exits(0).out.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["rules"][..],
        &["man"],
        &["check", "--quiet", "--format=html"],
    ] {
        let mut command = dbctl(dir.path());
        let mut child = command
            .args(args)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}
