//! Types: labels of enums under other names, and what a domain demands.

use super::{BY_HAND, Sql, definition, quoted};
use crate::rules::drift::labels;
use crate::rules::text::sql_name;
use crate::snapshot::attributes::DEFINITION;
use crate::snapshot::{Change, ObjectKey};

const LABELS: &str = "a label cannot be taken out of an enum: if no row has it, make a new type without it and change the columns over";

pub(super) fn undo(key: &ObjectKey, changes: &[&Change]) -> Sql {
    let [change] = changes else {
        return Err(BY_HAND);
    };
    let name = sql_name(key);
    if change.attribute != DEFINITION {
        return Err(BY_HAND);
    }
    if change.expected.starts_with("ENUM (") {
        return relabelled(&name, change);
    }
    let (Some(wanted), Some(found)) = (Domain::of(&change.expected), Domain::of(&change.actual))
    else {
        return Err(BY_HAND);
    };
    wanted.instead_of(&found, &name)
}

fn relabelled(name: &str, change: &Change) -> Sql {
    let (Some(wanted), Some(found)) =
        (labels::list(&change.expected), labels::list(&change.actual))
    else {
        return Err(LABELS);
    };
    let new: Vec<(&str, &str)> = found
        .iter()
        .zip(&wanted)
        .filter(|(is, was)| is != was)
        .map(|(is, was)| (*is, *was))
        .collect();
    // Labels that changed places cannot be told from labels that changed names.
    let moved = new
        .iter()
        .any(|(is, was)| wanted.contains(is) || found.contains(was));
    if found.len() != wanted.len() || moved {
        return Err(LABELS);
    }
    // A quote within a label is doubled already.
    Ok(new
        .iter()
        .map(|(is, was)| {
            format!(
                "ALTER TYPE {name} RENAME VALUE {} TO {};",
                label(is),
                label(was)
            )
        })
        .collect())
}

fn label(text: &str) -> String {
    quoted(&text.replace("''", "'"))
}

/// A domain in parts.
struct Domain {
    base: String,
    default: Option<String>,
    not_null: bool,
    constraints: Vec<(String, String)>,
}

impl Domain {
    fn of(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("DOMAIN AS ")?;
        let mut parts = split(rest, &[" DEFAULT ", " NOT NULL", " CONSTRAINT "]).into_iter();
        let mut domain = Self {
            base: parts.next()?,
            default: None,
            not_null: false,
            constraints: Vec::new(),
        };
        for part in parts {
            if let Some(default) = part.strip_prefix(" DEFAULT ") {
                domain.default = Some(default.to_owned());
            } else if part == " NOT NULL" {
                domain.not_null = true;
            } else {
                let constraint = part.strip_prefix(" CONSTRAINT ")?;
                let at = split(constraint, &[" CHECK "]).first()?.len();
                let (name, definition) = constraint.split_at(at);
                domain
                    .constraints
                    .push((name.to_owned(), definition.trim().to_owned()));
            }
        }
        Some(domain)
    }

    /// The statements that make a domain this one. Each that demands more looks at the rows first.
    fn instead_of(&self, found: &Self, name: &str) -> Sql {
        if self.base != found.base {
            return Err(BY_HAND);
        }
        let mut actions = Vec::new();
        let gone = found
            .constraints
            .iter()
            .filter(|other| !self.constraints.contains(other));
        actions.extend(gone.map(|(name, _)| format!("DROP CONSTRAINT {name}")));
        if self.default != found.default {
            actions.push(match &self.default {
                Some(default) => format!("SET DEFAULT {}", definition(default)),
                None => "DROP DEFAULT".to_owned(),
            });
        }
        if self.not_null != found.not_null {
            actions.push(format!(
                "{} NOT NULL",
                if self.not_null { "SET" } else { "DROP" }
            ));
        }
        let new = self
            .constraints
            .iter()
            .filter(|own| !found.constraints.contains(own));
        actions
            .extend(new.map(|(name, text)| format!("ADD CONSTRAINT {name} {}", definition(text))));
        Ok(actions
            .iter()
            .map(|action| format!("ALTER DOMAIN {name} {action};"))
            .collect())
    }
}

/// A text cut before each of these words, where they stand neither in quotes nor in brackets.
fn split(text: &str, words: &[&str]) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        if depth == 0 && quote.is_none() && words.iter().any(|word| rest.starts_with(word)) {
            parts.push(String::new());
        }
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::Domain;

    #[test]
    fn a_domain_is_taken_apart_and_put_together() {
        let of = |text: &str, from: &str| {
            let (wanted, found) = (Domain::of(text), Domain::of(from));
            let both = wanted.zip(found);
            both.map(|(wanted, found)| wanted.instead_of(&found, "public.d"))
        };
        let full = "DOMAIN AS integer DEFAULT (1 + 1) NOT NULL CONSTRAINT a_check CHECK ((VALUE > 0)) CONSTRAINT \"b CHECK \" CHECK ((VALUE <> 7))";
        let plain = "DOMAIN AS integer";
        let statements = |actions: &[&str]| {
            let all = actions.iter();
            Some(Ok(all
                .map(|action| format!("ALTER DOMAIN public.d {action};"))
                .collect()))
        };
        assert_eq!(
            of(full, plain),
            statements(&[
                "SET DEFAULT (1 + 1)",
                "SET NOT NULL",
                "ADD CONSTRAINT a_check CHECK ((VALUE > 0))",
                "ADD CONSTRAINT \"b CHECK \" CHECK ((VALUE <> 7))",
            ])
        );
        assert_eq!(
            of(plain, full),
            statements(&[
                "DROP CONSTRAINT a_check",
                "DROP CONSTRAINT \"b CHECK \"",
                "DROP DEFAULT",
                "DROP NOT NULL",
            ])
        );
        assert_eq!(of(full, "DOMAIN AS bigint"), Some(Err("")));
    }
}
