//! `dbctl rules`: the catalogue, or one rule's page.

use crate::report::rules::RuleLine;
use crate::rules::{self, Rule};

/// There is no rule of this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule {id:?}{}; `dbctl rules` lists all of them", self.hint())]
pub struct UnknownRule {
    /// What was asked for.
    pub id: String,
    /// The id that is spelled most like it.
    pub nearest: Option<&'static str>,
}

impl UnknownRule {
    fn hint(&self) -> String {
        self.nearest
            .map_or_else(String::new, |id| format!("; did you mean {id}?"))
    }
}

/// Every rule, in the order in which reports list them.
#[must_use]
pub fn list() -> Vec<RuleLine> {
    rules::all().map(line).collect()
}

/// The rules of a group, as in `bleed` or `bleed/`; none where there is no such group.
#[must_use]
pub fn group(name: &str) -> Vec<RuleLine> {
    let name = name.strip_suffix('/').unwrap_or(name);
    let is_of = |rule: &&Rule| {
        rule.id
            .split_once('/')
            .is_some_and(|(group, _)| group == name)
    };
    rules::all().filter(is_of).map(line).collect()
}

/// One rule.
///
/// # Errors
/// When there is no rule of this id.
pub fn one(id: &str) -> Result<RuleLine, UnknownRule> {
    rules::all()
        .find(|rule| rule.id == id)
        .map(line)
        .ok_or_else(|| UnknownRule {
            id: id.to_owned(),
            nearest: rules::nearest(id),
        })
}

fn line(rule: &'static Rule) -> RuleLine {
    RuleLine {
        id: rule.id,
        severity: rule.severity,
        summary: rule.summary,
        help: rule.help,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{list, one};

    #[test]
    fn a_misspelt_id_is_answered_with_the_nearest() {
        assert_eq!(
            one("bleed/foreign-object").unwrap().id,
            "bleed/foreign-object"
        );
        let error = one("foreign-object").unwrap_err().to_string();
        assert!(
            error.contains("did you mean bleed/foreign-object?"),
            "{error}"
        );
        let error = one("x").unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }

    #[test]
    fn a_group_is_its_rules() {
        let rules = super::group("compose");
        assert!(rules.len() > 10 && rules.iter().all(|rule| rule.id.starts_with("compose/")));
        assert_eq!(super::group("compose/").len(), rules.len());
        assert!(super::group("comp").is_empty());
    }

    #[test]
    fn the_list_is_the_catalogue() {
        assert_eq!(list().len(), crate::rules::all().count());
    }
}
