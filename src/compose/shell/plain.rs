//! The commands of a script with their words, as far as its text tells: for who asks which programs it runs.

use std::collections::BTreeMap;

use super::lexer::commands;
use super::{RUNNERS, Variables, is_text, program};
use crate::compose::text::Text;

/// How deep scripts may lie in words of commands.
const DEEPEST: usize = 4;
/// The longest script that is read, in bytes.
const LONGEST: usize = 256 << 10;

/// The words of each simple command, those of scripts in words (`sh -c '…'`) after the command that runs them. `environment` is the
/// container's; a value that is not known there is not known here.
pub(in crate::compose) fn plain(
    script: &str,
    environment: &BTreeMap<String, Text>,
) -> Vec<Vec<Text>> {
    let mut found = Vec::new();
    plain_into(script, environment, 0, &mut found);
    found
}

fn plain_into(
    script: &str,
    environment: &BTreeMap<String, Text>,
    depth: usize,
    found: &mut Vec<Vec<Text>>,
) {
    if depth > DEEPEST || script.len() > LONGEST {
        return;
    }
    let commands = commands(script);
    let variables = Variables::new(&commands, environment);
    for command in &commands {
        let words: Vec<Text> = command
            .words
            .iter()
            .map(|word| variables.text(word))
            .collect();
        let runs = words.iter().any(|word| RUNNERS.contains(&program(word)));
        let scripts: Vec<String> = words
            .iter()
            .filter(|word| runs && is_text(word))
            .map(|word| word.raw().to_owned())
            .collect();
        found.push(words);
        for script in scripts {
            plain_into(&script, environment, depth + 1, found);
        }
    }
}
