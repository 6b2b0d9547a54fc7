//! `dbctl explain`: what an exit code, an SQLSTATE or a rule means, and what to do.

mod exit_code;
mod sqlstate;

use crate::exit::Exit;
use crate::report::explain::Explanation;

/// There is no such code and no such rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct UnknownTopic {
    /// What was asked for.
    pub topic: String,
    /// The rule that is spelled most like it.
    pub nearest: Option<&'static str>,
    /// Whether it is the name of a group of rules.
    pub group: bool,
}

impl UnknownTopic {
    fn sentence(&self) -> String {
        let topic = &self.topic;
        if self.group {
            let group = topic.trim_end_matches('/');
            return format!(
                "{topic:?} is a group of rules: `dbctl rules {group}` lists them, and each has a page"
            );
        }
        let nearest = self.nearest;
        let hint = nearest.map_or_else(String::new, |id| format!("; did you mean {id}?"));
        format!(
            "{topic:?} is no exit code, no SQLSTATE and no rule{hint}; expected one of {}, five letters and digits as in 55P03, or a rule as \
             in bleed/foreign-object (`dbctl rules` lists them)",
            exit_code::list()
        )
    }
}

/// Explains an exit code (0 to 6, 130; 126 and 127 of `sandbox run`), an SQLSTATE, or a rule.
///
/// # Errors
/// When it is none of them; the message names the rule that is spelled most like it.
pub fn one(topic: &str) -> Result<Explanation, UnknownTopic> {
    let unknown = |nearest| UnknownTopic {
        topic: topic.to_owned(),
        nearest,
        group: !super::rules::group(topic).is_empty(),
    };
    if let Some(exit) = exit_code::find(topic) {
        return Ok(exit_code::explain(exit));
    }
    if let Some(explanation) = exit_code::of_command(topic) {
        return Ok(explanation);
    }
    if let Some(explanation) = sqlstate::explain(topic) {
        return Ok(explanation);
    }
    let rule = super::rules::one(topic).map_err(|error| unknown(error.nearest))?;
    Ok(Explanation {
        topic: rule.id.to_owned(),
        kind: "rule",
        title: rule.summary.to_owned(),
        text: rule.help.trim_end().to_owned(),
    })
}

/// Every exit code.
#[must_use]
pub fn exit_codes() -> Vec<Explanation> {
    let mut exits = Exit::BY_WEIGHT;
    exits.sort_by_key(|exit| exit.code());
    exits.into_iter().map(exit_code::explain).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{exit_codes, one};
    use crate::exit::Exit;

    #[test]
    fn every_exit_code_and_every_rule_is_explained() {
        for exit in Exit::BY_WEIGHT {
            let explanation = one(&exit.code().to_string()).unwrap();
            assert_eq!(explanation.kind, "exit code");
            assert!(!explanation.text.is_empty());
        }
        assert_eq!(exit_codes().len(), Exit::BY_WEIGHT.len());
        for rule in crate::rules::all() {
            assert_eq!(one(rule.id).unwrap().text, rule.help.trim_end());
        }
    }

    #[test]
    fn what_sandbox_run_ends_with_is_explained_and_is_no_code_of_the_others() {
        for code in ["126", "127"] {
            let explanation = one(code).unwrap();
            assert_eq!(explanation.kind, "exit code");
            assert!(explanation.text.contains("sandbox run"));
            assert!(exit_codes().iter().all(|exit| exit.topic != code));
        }
    }

    #[test]
    fn an_sqlstate_is_known_by_itself_or_by_its_class() {
        let lock = one("55P03").unwrap();
        assert_eq!(
            (lock.kind, lock.title.as_str()),
            ("sqlstate", "lock_not_available")
        );
        assert_eq!(one("55p03").unwrap(), lock);
        assert!(one("22012").unwrap().title.contains("data exception"));
    }

    #[test]
    fn what_is_nothing_says_what_was_expected() {
        let error = one("7").unwrap_err().to_string();
        assert!(error.contains("0, 1, 2, 3, 4, 5, 6, 130"), "{error}");
        let error = one("foreign-objet").unwrap_err().to_string();
        assert!(
            error.contains("did you mean bleed/foreign-object?"),
            "{error}"
        );
        for group in ["bleed", "bleed/"] {
            let error = one(group).unwrap_err().to_string();
            assert!(error.contains("`dbctl rules bleed` lists"), "{error}");
            assert!(!error.contains("did you mean"), "{error}");
        }
        assert!(one("ZZZZZ").is_err());
        assert!(one("").is_err());
    }
}
