//! "Did you mean …?"

/// No name is longer, in bytes; to compare a text of megabytes takes minutes.
const LONGEST: usize = 200;

/// The candidate that the writer most likely meant, if one is near.
pub(crate) fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase().replace('_', "-");
    candidates
        .into_iter()
        .map(|candidate| {
            let spelt = candidate.to_lowercase().replace('_', "-");
            let near = strsim::normalized_damerau_levenshtein(&name, &spelt);
            // A common beginning weighs more: people cut names short.
            (
                near.max(strsim::jaro_winkler(&name, &spelt) - 0.15),
                candidate,
            )
        })
        .filter(|(near, _)| *near > 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// A clause that suggests the nearest candidate, or lists all of them.
pub(super) fn advice(name: &str, candidates: &[&str]) -> String {
    closest(name, candidates.iter().copied()).map_or_else(
        || format!("use one of {}", candidates.join(", ")),
        |candidate| format!("did you mean {candidate}?"),
    )
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_what_was_meant() {
        let keys = ["store", "set", "database", "role", "port", "password"];
        assert_eq!(closest("databse", keys), Some("database"));
        assert_eq!(closest("pasword", keys), Some("password"));
        assert_eq!(closest("Port", keys), Some("port"));
        assert_eq!(closest("zzzz", keys), None);
        assert_eq!(
            closest("k_indexr", ["k-indexer", "kasia-indexer"]),
            Some("k-indexer")
        );
        assert_eq!(closest(&"port".repeat(100), keys), None);
    }
}
