//! What a name looks like: names with one skeleton deceive a reader, or are copies of each other.

use unicode_normalization::UnicodeNormalization as _;

/// Letters of other scripts that look like Latin ones, lower case (Unicode's confusables, the part that identifiers meet).
const CONFUSABLES: &[(char, char)] = &[
    ('а', 'a'),
    ('ɑ', 'a'),
    ('α', 'a'),
    ('ь', 'b'),
    ('β', 'b'),
    ('с', 'c'),
    ('ϲ', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('ё', 'e'),
    ('є', 'e'),
    ('ε', 'e'),
    ('ɡ', 'g'),
    ('һ', 'h'),
    ('н', 'h'),
    ('і', 'i'),
    ('ї', 'i'),
    ('ι', 'i'),
    ('ı', 'i'),
    ('ј', 'j'),
    ('к', 'k'),
    ('κ', 'k'),
    ('ӏ', 'l'),
    ('ⅼ', 'l'),
    ('м', 'm'),
    ('п', 'n'),
    ('η', 'n'),
    ('ո', 'n'),
    ('о', 'o'),
    ('ο', 'o'),
    ('σ', 'o'),
    ('օ', 'o'),
    ('р', 'p'),
    ('ρ', 'p'),
    ('ԛ', 'q'),
    ('г', 'r'),
    ('ѕ', 's'),
    ('т', 't'),
    ('τ', 't'),
    ('υ', 'u'),
    ('ս', 'u'),
    ('ν', 'v'),
    ('ѵ', 'v'),
    ('в', 'b'),
    ('ԝ', 'w'),
    ('ω', 'w'),
    ('х', 'x'),
    ('χ', 'x'),
    ('у', 'y'),
    ('γ', 'y'),
    ('ү', 'y'),
    ('ᴢ', 'z'),
];

/// What people and tools put around a name when they copy a table.
const COPY_SUFFIXES: &[&str] = &[
    "old", "backup", "back", "bak", "bck", "bkp", "bkup", "snapshot", "copy", "new", "tmp", "temp",
    "dedup", "orig", "original", "archive", "archived", "saved", "save", "prev", "previous",
    "stale", "dup", "clone", "restored", "migrated", "legacy",
];
const COPY_PREFIXES: &[&str] = &[
    "old", "backup", "bak", "bkp", "copy", "tmp", "temp", "new", "zz", "legacy", "archive",
    "public",
];
/// Those that are also put on without a separator.
const GLUED_SUFFIXES: &[&str] = &["backup", "bak", "bkp", "copy", "old", "new", "tmp", "orig"];

/// One case, one script, no marks, no invisible characters; separators stay.
fn folded(name: &str) -> String {
    name.nfkd()
        .filter(|c| {
            !unicode_normalization::char::is_combining_mark(*c)
                && !crate::report::text::is_unsafe(*c)
        })
        .flat_map(char::to_lowercase)
        .map(|c| {
            CONFUSABLES
                .iter()
                .find(|(from, _)| *from == c)
                .map_or(c, |(_, to)| *to)
        })
        .collect()
}

/// Whether a word is a date, a number, a version or a partition, as `2026`, `20260101`, `v2`, `p0`.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['v', 'p']).unwrap_or(word);
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

/// Digits for letters, no separators.
fn squeezed(words: &[&str]) -> String {
    words
        .iter()
        .flat_map(|word| word.chars())
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' | '|' | '!' => 'l',
            '3' => 'e',
            '4' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            '8' => 'b',
            c => c,
        })
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .replace("rn", "m")
        .replace("vv", "w")
}

fn words(folded: &str) -> Vec<&str> {
    folded
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '|' | '!' | '$'))
        .filter(|word| !word.is_empty())
        .collect()
}

/// What a name looks like at a glance.
pub(super) fn look(name: &str) -> String {
    squeezed(&words(&folded(name)))
}

/// What a name looks like without copy suffixes, dates and the plural: the name that it was made from.
pub(super) fn stem(name: &str) -> String {
    let folded = folded(name);
    let mut words = words(&folded);
    // The last word that is left is the name itself, whatever it is.
    while words.len() > 1 {
        let last = words.last().copied().unwrap_or_default();
        let first = words.first().copied().unwrap_or_default();
        if COPY_SUFFIXES.contains(&last) || is_number(last) {
            words.pop();
        } else if COPY_PREFIXES.contains(&first) || (first == "of" && words.len() > 1) {
            words.remove(0);
        } else {
            break;
        }
    }
    if let Some(last) = words.last_mut() {
        *last = unglued(last);
    }
    let squeezed = squeezed(&words);
    singular(&squeezed).to_owned()
}

/// Whether a name says that it is a copy of what another name stands for: it is the same but for words or years that copies bear, in front or
/// behind. Any other number makes another name: `orders_1` and `orders_2` are two of a kind.
pub(super) fn is_copy_of(name: &str, original: &str) -> bool {
    let is_year =
        |word: &str| matches!(word.len(), 4 | 6 | 8) && word.starts_with("20") && is_number(word);
    let (folded, original) = (folded(name), look(original));
    let mut words = words(&folded);
    while let [first, .., last] = words[..] {
        if COPY_SUFFIXES.contains(&last) || is_year(last) {
            words.pop();
        } else if COPY_PREFIXES.contains(&first) || first == "of" {
            words.remove(0);
        } else {
            return false;
        }
        if squeezed(&words) == original {
            return true;
        }
    }
    false
}

/// A word without what was put right behind it: `blocks2`, `blocksbak`, `blocks$`.
fn unglued(word: &str) -> &str {
    let plain = word.trim_end_matches(|c: char| c.is_ascii_digit() || !c.is_alphanumeric());
    let plain = GLUED_SUFFIXES
        .iter()
        .find_map(|suffix| plain.strip_suffix(suffix))
        .unwrap_or(plain);
    // What is short is a word of its own: `fold`, `renew`, `a1`.
    if plain.chars().count() < 4 {
        word
    } else {
        plain
    }
}

/// The name without its plural ending: both `address` and `addresses` give `address`.
fn singular(word: &str) -> &str {
    if word.ends_with("sses") {
        word.strip_suffix("es").unwrap_or(word)
    } else if word.ends_with("ss") || word.chars().count() < 4 {
        word
    } else {
        word.strip_suffix('s').unwrap_or(word)
    }
}

#[cfg(test)]
mod tests {
    use super::{is_copy_of, look, stem};

    #[test]
    fn a_copy_says_so_in_its_name() {
        for name in [
            "ksocial_old",
            "Ksocial_Backup",
            "old_ksocial",
            "ksocial_2026",
            "ksocial_20261101",
            "ksocial-copy",
        ] {
            assert!(is_copy_of(name, "ksocial"), "{name}");
        }
        for name in [
            "ksocial",
            "ksocial_1",
            "ksocial_v2",
            "ksocial_test",
            "kfans_old",
            "Ksocial",
            "ksocial_4711",
        ] {
            assert!(!is_copy_of(name, "ksocial"), "{name}");
        }
        assert!(!is_copy_of("orders", "orders_archive"));
        assert!(is_copy_of("orders_archive_old", "orders_archive"));
        assert!(is_copy_of("ksocial_t7_2_old", "ksocial_t7_2"));
        assert!(!is_copy_of("ksocial_t7_1_old", "ksocial_t7_2"));
    }

    #[test]
    fn disguises_of_a_name_have_its_stem() {
        for name in [
            "Blocks",
            "blocks ",
            "b1ocks",
            "blосks",
            "block",
            "blocks_old",
            "blocks_2026",
            "blocks_backup_2",
            "BLOCKS",
            "blocks\u{200b}",
            "ｂｌｏｃｋｓ",
            "blöcks",
            "bl0cks",
            "old_blocks",
            "copy_of_blocks",
            "blocks_new",
            "blocks-v2",
            "βlocks",
            "blocks2",
            "blocks$",
            "blocksbak",
            "bkp_blocks_20260101",
            "blocks_p0",
            "public.blocks",
        ] {
            assert_eq!(stem(name), stem("blocks"), "{name}");
        }
    }

    #[test]
    fn other_names_keep_their_own() {
        for name in [
            "k_blocks",
            "blockchain",
            "block_headers",
            "blocks_per_day",
            "new",
            "old",
        ] {
            assert_ne!(stem(name), stem("blocks"), "{name}");
        }
        for (one, other) in [("fold", "f"), ("renew", "re"), ("md5", "md"), ("a1", "a2")] {
            assert_ne!(stem(one), stem(other), "{one}");
        }
        assert_eq!(stem("Address"), stem("addresses"));
        assert_ne!(stem("k_transactions"), stem("transactions"));
        assert_ne!(stem("transaction_inputs"), stem("transaction_outputs"));
    }

    #[test]
    fn a_look_keeps_suffixes() {
        assert_eq!(look("Public"), look("public"));
        assert_eq!(look("publiс"), look("public"));
        assert_ne!(look("public_old"), look("public"));
    }
}
