//! An interval as people write it, and back.

/// The units of an interval in microseconds, largest first. A day has 24 hours here, as in TimescaleDB's `interval_length`.
const UNITS: [(&str, u64); 5] = [
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
    ("microsecond", 1),
];

/// A length of time in words, exact: `6 hours`, `1 day 12 hours`.
#[must_use]
pub fn words(microseconds: u64) -> String {
    let mut rest = microseconds;
    let mut parts = Vec::new();
    for (unit, length) in UNITS {
        let count = rest / length;
        rest %= length;
        match count {
            0 => {}
            1 => parts.push(format!("1 {unit}")),
            _ => parts.push(format!("{count} {unit}s")),
        }
    }
    if parts.is_empty() {
        "0".to_owned()
    } else {
        parts.join(" ")
    }
}

/// The microseconds that such words stand for; `None` for anything else, a bare number included.
#[must_use]
pub fn microseconds(words: &str) -> Option<u64> {
    let mut parts = words.split(' ');
    let mut sum: u64 = 0;
    while let Some(count) = parts.next() {
        let unit = parts.next()?;
        let (_, length) = UNITS
            .into_iter()
            .find(|(name, _)| unit.strip_suffix('s').unwrap_or(unit) == *name)?;
        sum = sum.checked_add(count.parse::<u64>().ok()?.checked_mul(length)?)?;
    }
    Some(sum)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::{microseconds, words};

    #[test]
    fn words_can_be_read_back() {
        for length in [1, 1_500_000, 21_600_000_000, 129_600_000_000, u64::MAX] {
            assert_eq!(microseconds(&words(length)).unwrap(), length);
        }
        for other in [
            "",
            "21600000",
            "6",
            "six hours",
            "6 moons",
            "18446744073709551615 days",
        ] {
            assert_eq!(microseconds(other), None, "{other}");
        }
    }

    #[test]
    fn intervals_are_exact() {
        assert_eq!(words(21_600_000_000), "6 hours");
        assert_eq!(words(1_800_000_000), "30 minutes");
        assert_eq!(words(604_800_000_000), "7 days");
        assert_eq!(words(129_600_000_000), "1 day 12 hours");
        assert_eq!(words(1_500_000), "1 second 500000 microseconds");
        assert_eq!(words(0), "0");
    }
}
