//! The file of client authentication that a server is told to read (PostgreSQL documentation, "The pg_hba.conf File").

use super::server::TRUST;
use super::{Words, finding};
use crate::compose::Container;
use crate::rules::Outcome;
use crate::snapshot::Gap;

/// Reads the `hba_file` of a server's command, if it is told one.
pub(super) fn file(container: &Container, outcome: &mut Outcome) {
    let Some(path) = container.option("", &["hba_file"]) else {
        return;
    };
    let name = &container.name;
    let text = match container.file(path).map(|file| file.text()) {
        Some(Ok(text)) => text,
        Some(Err(why)) => {
            outcome
                .gaps
                .push(Gap::new(format!("hba_file of {name}: {why}")));
            return;
        }
        None => {
            let why = format!("hba_file of {name}: {path} comes from nowhere in the compose file");
            outcome.gaps.push(Gap::new(why));
            return;
        }
    };
    for (at, line) in text.raw().lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line
            .split_whitespace()
            .map(|word| word.trim_matches('"'))
            .collect();
        if words
            .first()
            .is_some_and(|word| word.starts_with("include") || word.starts_with('@'))
        {
            outcome.gaps.push(Gap::new(format!(
                "hba_file of {name}: line {} of {path} reads another file",
                at + 1
            )));
        } else if lets_others_in(&words) {
            outcome.findings.push(finding(
                &TRUST,
                container,
                &container.place,
                Words {
                    message: format!("{name} lets everybody in without a password: line {} of its hba_file {path} says trust", at + 1),
                    expected: "scram-sha-256".to_owned(),
                    actual: "trust".to_owned(),
                    remedy: format!("Write scram-sha-256 in line {} of {path} of {name}.", at + 1),
                },
            ));
            return;
        }
    }
}

/// Whether a line trusts other hosts than the server's own.
fn lets_others_in(words: &[&str]) -> bool {
    let [kind, _, _, address, rest @ ..] = words else {
        return false;
    };
    let is_own = ["127.", "::1", "localhost", "samehost"]
        .iter()
        .any(|own| address.to_ascii_lowercase().starts_with(own));
    // The method is behind the address, or behind its mask.
    kind.starts_with("host")
        && !is_own
        && rest
            .iter()
            .take(2)
            .any(|word| word.eq_ignore_ascii_case("trust"))
}

#[cfg(test)]
mod tests {
    use super::lets_others_in;

    #[test]
    fn trust_for_other_hosts_is_told_from_trust_for_its_own() {
        for (line, expected) in [
            ("host all all 0.0.0.0/0 trust", true),
            ("host all all all trust", true),
            ("hostssl all all 10.0.0.0 255.0.0.0 trust", true),
            ("host all all 127.0.0.1/32 trust", false),
            ("host all all ::1/128 trust", false),
            ("host all all all scram-sha-256", false),
            ("local all all trust", false),
            ("host", false),
            ("", false),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(lets_others_in(&words), expected, "{line}");
        }
    }
}
