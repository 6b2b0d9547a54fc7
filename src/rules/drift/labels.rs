//! Texts that changed because a label of an enum was renamed: that is told of the type alone.

use crate::snapshot::attributes::{DEFINITION, is_deparsed};
use crate::snapshot::{Change, Kind};

/// Whether a change of a text is nothing but that an enum's labels, which are told, have other names.
pub(super) fn explain(changes: &[Change], change: &Change) -> bool {
    if change.key.kind == Kind::Type || !is_deparsed(change.key.kind, &change.attribute) {
        return false;
    }
    let renamed: Vec<(&str, &str)> = changes.iter().flat_map(renamed).collect();
    if renamed.is_empty() {
        return false;
    }
    let mut as_expected = change.expected.split(QUOTE);
    let mut as_it_is = change.actual.split(QUOTE);
    // Between the first quote and the second stands a literal, and so on; a quote within one only makes two of it.
    let mut quoted = false;
    loop {
        let (old, new) = match (as_expected.next(), as_it_is.next()) {
            (None, None) => return true,
            (Some(old), Some(new)) => (old, new),
            _ => return false,
        };
        if old != new && !(quoted && renamed.contains(&(old, new))) {
            return false;
        }
        quoted = !quoted;
    }
}

const QUOTE: char = '\'';

/// The labels of an enum that have other names now. Where labels were added, nothing tells which.
fn renamed(change: &Change) -> Vec<(&str, &str)> {
    let of_enum = change.key.kind == Kind::Type && change.attribute == DEFINITION;
    let (Some(old), Some(new)) = (list(&change.expected), list(&change.actual)) else {
        return Vec::new();
    };
    if !of_enum || old.len() != new.len() {
        return Vec::new();
    }
    let pairs = old.into_iter().zip(new);
    pairs.filter(|(old, new)| old != new).collect()
}

pub(super) fn list(definition: &str) -> Option<Vec<&str>> {
    let list = definition.strip_prefix("ENUM ('")?.strip_suffix("')")?;
    Some(list.split("', '").collect())
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::snapshot::attributes::{DEFAULT, DEFINITION};
    use crate::snapshot::{Change, Kind, ObjectKey};

    fn change(kind: Kind, attribute: &str, expected: &str, actual: &str) -> Change {
        Change {
            key: ObjectKey {
                schema: "public".to_owned(),
                parent: String::new(),
                kind,
                name: "x".to_owned(),
                arguments: String::new(),
            },
            attribute: attribute.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        }
    }

    #[test]
    fn only_what_a_renamed_label_changes_is_explained() {
        let mood = change(
            Kind::Type,
            DEFINITION,
            "ENUM ('sad', 'ok')",
            "ENUM ('blue', 'ok')",
        );
        let view = |actual: &str| {
            let expected = "SELECT id FROM pets WHERE (mood = 'sad'::public.mood);";
            change(Kind::View, DEFINITION, expected, actual)
        };
        let all = [mood.clone()];
        let renamed = view("SELECT id FROM pets WHERE (mood = 'blue'::public.mood);");
        assert!(explain(&all, &renamed));
        assert!(!explain(&[], &renamed));
        assert!(!explain(&all, &mood));
        for actual in [
            "SELECT id FROM pets WHERE (mood = 'ok'::public.mood);",
            "SELECT id FROM cats WHERE (mood = 'blue'::public.mood);",
            "SELECT id FROM pets WHERE (mood = 'blue'::public.mood) OR true;",
        ] {
            assert!(!explain(&all, &view(actual)), "{actual}");
        }
        let default = change(
            Kind::Column,
            DEFAULT,
            "'sad'::public.mood",
            "'blue'::public.mood",
        );
        assert!(explain(&all, &default));
    }
}
