//! Mutations of texts that are right.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// The largest mutation, in bytes. What is larger is in `giants.rs`.
const LARGEST: usize = 64 << 10;
/// The largest accepted mutation that is mutated further.
const LARGEST_KEPT: usize = 8 << 10;
/// How many accepted mutations are mutated further.
const MOST_KEPT: usize = 300;

/// What readers of texts stumble over.
const ODD: &[&str] = &[
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[31m",
    "\r\n",
    "\r",
    "\t",
    "ж",
    "🦀",
    "ſ",
    "İ",
    "\u{301}",
    "\"",
    "'",
    "`",
    "\\",
    "$",
    "$$",
    "${",
    "}",
    "{",
    "[",
    "]",
    "(",
    ")",
    ";",
    ":",
    ",",
    "=",
    "#",
    "--",
    "/*",
    "*/",
    "%",
    "&a",
    "*a",
    "<<",
    "-",
    "~",
    "0",
    "-1",
    "4294967296",
    "9223372036854775808",
    "1e999",
    "nan",
    "0x",
    "",
];

pub struct Mutator {
    random: StdRng,
    seeds: Vec<Vec<u8>>,
    kept: Vec<Vec<u8>>,
    words: &'static [&'static str],
}

impl Mutator {
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>, words: &'static [&'static str]) -> Self {
        assert!(!seeds.is_empty());
        Self {
            random: StdRng::seed_from_u64(seed),
            seeds,
            kept: Vec::new(),
            words,
        }
    }

    pub fn seeds(&self) -> Vec<Vec<u8>> {
        self.seeds.clone()
    }

    /// Another text.
    pub fn next(&mut self) -> Vec<u8> {
        let further = !self.kept.is_empty() && self.random.random_bool(0.5);
        let from = if further { &self.kept } else { &self.seeds };
        let mut text = from.choose(&mut self.random).unwrap().clone();
        for _ in 0..self.random.random_range(1..=6) {
            self.mutate(&mut text);
        }
        text.truncate(LARGEST);
        text
    }

    /// Mutates this one further in the time to come.
    pub fn keep(&mut self, text: Vec<u8>) {
        if text.len() > LARGEST_KEPT {
            return;
        }
        if self.kept.len() < MOST_KEPT {
            self.kept.push(text);
        } else {
            let place = self.random.random_range(0..MOST_KEPT);
            self.kept[place] = text;
        }
    }

    fn mutate(&mut self, text: &mut Vec<u8>) {
        let at = self.random.random_range(0..=text.len());
        match self.random.random_range(0..12) {
            0 => text.truncate(at),
            1 => {
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= 1 << self.random.random_range(0..8);
                }
            }
            2 => text.insert(at, self.random.random()),
            3 => drop(text.drain(self.piece(text, 40))),
            4 => drop(text.drain(self.piece(text, 2000))),
            5 => {
                let piece = text[self.piece(text, 200)].to_vec();
                text.splice(at..at, piece);
            }
            6 => {
                // Deep, long or many.
                let piece = text[self.piece(text, 12)].to_vec();
                // Mostly few: a large text takes the time of a thousand small ones.
                let times = 2 << self.random.random_range(0..12) >> self.random.random_range(0..8);
                text.splice(at..at, piece.repeat(times));
            }
            7 => {
                let word = ODD.choose(&mut self.random).unwrap();
                let times = if self.random.random_bool(0.1) {
                    3000
                } else {
                    1
                };
                text.splice(at..at, word.repeat(times).into_bytes());
            }
            8 => {
                let word = self.words.choose(&mut self.random).unwrap();
                text.splice(at..at, word.bytes());
            }
            9 => {
                // A word in the place of another piece.
                let word = self.words.choose(&mut self.random).unwrap();
                let piece = self.piece(text, 20);
                text.splice(piece, word.bytes());
            }
            10 => {
                let other = self.seeds.choose(&mut self.random).unwrap().clone();
                let piece = self.piece(&other, 2000);
                text.splice(at..at, other[piece].to_vec());
            }
            _ => self.swap_lines(text),
        }
    }

    /// Somewhere in the text, at most this long.
    fn piece(&mut self, text: &[u8], most: usize) -> std::ops::Range<usize> {
        let start = self.random.random_range(0..=text.len());
        let length = self.random.random_range(0..=most);
        start..text.len().min(start + length)
    }

    fn swap_lines(&mut self, text: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        if lines.len() > 1 {
            let one = self.random.random_range(0..lines.len());
            let other = self.random.random_range(0..lines.len());
            lines.swap(one, other);
            *text = lines.concat();
        }
    }
}
