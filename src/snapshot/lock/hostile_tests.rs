//! Lock files that somebody edited, cut off or made up: whatever the text, it is read or refused with file and line.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use super::Lock;
use crate::snapshot::Kind;
use crate::snapshot::samples::{object, snapshot};

/// A generator that gives the same numbers everywhere (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    /// A text of characters that quoting, lines and terminals care about.
    fn text(&mut self) -> String {
        const CHARACTERS: [char; 24] = [
            'a', 'Z', '_', '0', ' ', '"', '\'', '\\', '\n', '\r', '\t', '\u{0}', '\u{1b}',
            '\u{7f}', '\u{202e}', '\u{feff}', 'ж', '🦀', '{', '}', '[', ']', '=', '#',
        ];
        let length = self.below(12);
        (0..length)
            .map(|_| {
                CHARACTERS
                    .get(self.below(CHARACTERS.len()))
                    .copied()
                    .unwrap()
            })
            .collect()
    }
}

/// A lock of objects with names and texts that nobody would choose.
fn strange(numbers: &mut Numbers) -> Lock {
    let mut objects = Vec::new();
    for _ in 0..numbers.below(8) {
        let kind = *Kind::ALL.get(numbers.below(Kind::ALL.len())).unwrap();
        let names = [numbers.text(), numbers.text(), numbers.text()];
        let [schema, parent, name] = &names;
        let (definition, default) = (numbers.text(), numbers.text());
        let attributes: &[(&str, &str)] = match kind {
            Kind::Column => &[("type", "text"), ("default", default.as_str())],
            Kind::View | Kind::Constraint | Kind::Function | Kind::Operator => {
                &[("definition", definition.as_str())]
            }
            _ => &[],
        };
        let parent = if kind.is_part() { parent } else { "" };
        objects.push(object(kind, [schema, parent, name], attributes));
    }
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    objects.dedup_by(|a, b| a.key == b.key);
    Lock::from_snapshots(
        &numbers.text(),
        &numbers.text(),
        &[(17, &snapshot(17, objects))],
    )
    .unwrap()
}

#[test]
fn whatever_a_lock_holds_reads_back() {
    let mut numbers = Numbers(1);
    for round in 0..400 {
        let mut lock = strange(&mut numbers);
        if round % 2 == 0 {
            lock.source = Some(numbers.text());
        }
        // Line ends are the file's, so that a checkout may turn them.
        let text = lock.write();
        assert_eq!(Lock::parse("x", &text).as_ref(), Ok(&lock), "{text}");
    }
}

#[test]
fn a_broken_lock_is_refused_with_its_line_or_read() {
    let mut numbers = Numbers(2);
    let mut refused = 0;
    for _ in 0..400 {
        let mut text: Vec<char> = strange(&mut numbers).write().chars().collect();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(text.len());
            match numbers.below(4) {
                0 => text.truncate(at),
                1 => drop(text.drain(at..(at + numbers.below(9)).min(text.len()))),
                2 => text
                    .splice(at..at, numbers.text().chars().collect::<Vec<_>>())
                    .for_each(drop),
                _ => text.extend_from_within(at..),
            }
        }
        let text: String = text.into_iter().collect();
        match Lock::parse("x.lock", &text) {
            // What it read is what it would write.
            Ok(lock) => assert_eq!(
                Lock::parse("x", &lock.write()).as_ref(),
                Ok(&lock),
                "{text}"
            ),
            Err(error) => {
                refused += 1;
                let place = error.0.strip_prefix("x.lock:").unwrap();
                let line = place.split(':').next().unwrap();
                assert!(line.parse::<usize>().is_ok(), "{error}");
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn made_up_texts_are_no_lock() {
    let mut numbers = Numbers(3);
    for _ in 0..2000 {
        let text: String = (0..numbers.below(20)).map(|_| numbers.text()).collect();
        Lock::parse("x.lock", &text).unwrap_err();
    }
    // Deep nesting must not exhaust the stack.
    Lock::parse("x.lock", &format!("a = {}", "[".repeat(100_000))).unwrap_err();
    Lock::parse("x.lock", &format!("a = {}", "{a=".repeat(100_000))).unwrap_err();
}
