//! What the server's functions make of known texts.

use super::value::Value;
use super::{CURRENT_DATABASE, CURRENT_USER, UNKNOWN};

/// What format() gives (PostgreSQL documentation, "String Functions and Operators").
pub(super) fn formatted(format: &Value, values: &[Value]) -> Value {
    format.texts.iter().map(|format| fill(format, values)).fold(
        Value {
            texts: Vec::new(),
            open: format.open,
        },
        Value::or,
    )
}

fn fill(format: &str, values: &[Value]) -> Value {
    let mut out = Value::known("");
    let mut next = 0;
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out = out.then(&Value::known(before));
        let end = after.find(|c: char| !(c.is_ascii_digit() || "$-*".contains(c)));
        let (flags, kind) = after
            .split_at_checked(end.unwrap_or(after.len()))
            .unwrap_or((after, ""));
        let mut kinds = kind.chars();
        let kind = kinds.next();
        rest = kinds.as_str();
        if kind == Some('%') {
            out = out.then(&Value::known("%"));
            continue;
        }
        let index = match flags
            .split_once('$')
            .map(|(index, _)| index.parse::<usize>())
        {
            Some(Ok(index)) => index.saturating_sub(1),
            _ => next,
        };
        next = index + 1;
        let value = values.get(index).cloned().unwrap_or_else(Value::unknown);
        out = out.then(&match kind {
            Some('I') => value.map(quoted_name),
            Some('L') => quoted_text(&value),
            Some('s') => value,
            _ => Value::unknown(),
        });
    }
    out.then(&Value::known(rest))
}

pub(super) fn quoted_name(name: &str) -> String {
    match name {
        UNKNOWN | CURRENT_DATABASE | CURRENT_USER => name.to_owned(),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A value in quotes is a value, whatever it is: it changes nothing about what the statement does.
pub(super) fn quoted_text(value: &Value) -> Value {
    let texts = value.texts.iter();
    Value {
        texts: texts
            .map(|text| format!("'{}'", text.replace('\'', "''")))
            .collect(),
        open: false,
    }
}

/// What concat_ws() gives of values that are all there: one that is null is left out, and so is its separator.
pub(super) fn separated(separator: &Value, values: &[Value]) -> Value {
    let mut values = values.iter();
    let first = values.next().cloned().unwrap_or_else(|| Value::known(""));
    values.fold(first, |text, value| text.then(separator).then(value))
}

pub(super) fn replaced(text: &Value, from: &Value, to: &Value) -> Value {
    match (from.texts.as_slice(), to.texts.as_slice()) {
        ([from], [to]) => {
            let mut value = text.clone().map(|text| text.replace(from.as_str(), to));
            value.open |= text.open;
            value
        }
        _ => Value::unknown(),
    }
}

pub(super) fn character(code: &Value) -> Value {
    let code = match code.texts.as_slice() {
        [code] => code.parse().ok().and_then(char::from_u32),
        _ => None,
    };
    code.map_or_else(Value::unknown, Value::known)
}

/// The parts of a text between separators, all of them, whichever is taken. A pattern that is more than a text is not followed.
pub(super) fn parts(text: &Value, separator: &Value) -> Value {
    let [separator] = separator.texts.as_slice() else {
        return Value::unknown();
    };
    // A separator that is unknown, or a pattern.
    if separator.contains(UNKNOWN) || separator.contains(['\\', '[', '(', '*', '+', '?', '{']) {
        return Value::unknown();
    }
    let texts = text.texts.iter().flat_map(|text| match separator.as_str() {
        "" => vec![text.as_str()],
        separator => text.split(separator).collect(),
    });
    let parts = texts.map(Value::known).fold(Value::default(), Value::or);
    Value {
        open: parts.open || text.open,
        ..parts
    }
}

/// The elements of an array that is written as a text: `{a,b}`.
pub(super) fn elements(array: Value) -> Value {
    let open = array.open;
    let texts = array.texts.iter().flat_map(|text| {
        match text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        {
            Some(list) => list
                .split(',')
                .map(|element| element.trim().trim_matches('"').to_owned())
                .collect(),
            None => vec![text.clone()],
        }
    });
    Value {
        texts: texts.collect(),
        open,
    }
}
