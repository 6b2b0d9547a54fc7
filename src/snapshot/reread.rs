//! Texts that the server deparses in another way once it has read its own: a dump that was restored is no change.

use std::borrow::Cow;

const OPEN: &str = "(ARRAY[";
const CLOSE: &str = "])::text[]";

/// A deparsed text as it is after it was read again: of `x IN ('a', 'b')` on a `varchar` the cast of the whole array,
/// `(ARRAY['a'::character varying, …])::text[]`, becomes one of each element, `ARRAY[('a'::character varying)::text, …]`.
/// And a constant in a query's list of columns, which had no name, has its type's: `'a'::text AS text`.
pub(super) fn reread(text: &str) -> Cow<'_, str> {
    match text.contains(CAST) && text.contains(NAMED) {
        true => Cow::Owned(arrays(&nameless(text)).into_owned()),
        false => arrays(text),
    }
}

const CAST: &str = "'::";
const NAMED: &str = " AS ";

/// Types as the server deparses them, and the name that it gives a column of a constant of that type.
const NAMES: [(&str, &str); 16] = [
    ("bigint", "int8"),
    ("boolean", "bool"),
    ("bytea", "bytea"),
    ("character varying", "varchar"),
    ("date", "date"),
    ("double precision", "float8"),
    ("integer", "int4"),
    ("interval", "interval"),
    ("json", "json"),
    ("jsonb", "jsonb"),
    ("numeric", "numeric"),
    ("smallint", "int2"),
    ("text", "text"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
    ("uuid", "uuid"),
];

/// Constants without the names that only their types gave them.
fn nameless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(CAST) {
        out.push_str(before);
        out.push_str(CAST);
        let named = |(kind, name): &(&str, &str)| {
            let after = after.strip_prefix(kind)?.strip_prefix(NAMED)?;
            let after = after
                .trim_start_matches('"')
                .strip_prefix(name)?
                .trim_start_matches('"');
            let ends = !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            ends.then_some(after)
        };
        rest = match NAMES.iter().find_map(|pair| Some((pair.0, named(pair)?))) {
            Some((kind, after)) => {
                out.push_str(kind);
                after
            }
            None => after,
        };
    }
    out.push_str(rest);
    out
}

fn arrays(text: &str) -> Cow<'_, str> {
    let Some((before, rest)) = text.split_once(OPEN) else {
        return Cow::Borrowed(text);
    };
    let array = elements(rest);
    let (middle, after) = match &array {
        Some((elements, after)) => (format!("ARRAY[{}]", elements.join(", ")), *after),
        None => (OPEN.to_owned(), rest),
    };
    Cow::Owned(format!("{before}{middle}{}", arrays(after)))
}

/// The constants of an array up to its end, each with the cast, and what follows.
fn elements(mut rest: &str) -> Option<(Vec<String>, &str)> {
    let mut elements = Vec::new();
    loop {
        let length = literal(rest)?;
        let (constant, after) = rest.split_at_checked(length)?;
        let kind = ["::character varying", "::bpchar"]
            .into_iter()
            .find(|kind| after.starts_with(kind))?;
        elements.push(format!("({constant}{kind})::text"));
        rest = after.strip_prefix(kind)?;
        if let Some(after) = rest.strip_prefix(CLOSE) {
            return Some((elements, after));
        }
        rest = rest.strip_prefix(", ")?;
    }
}

/// The length of the quoted constant that a text begins with.
fn literal(text: &str) -> Option<usize> {
    let start = text.find('\'').filter(|start| *start <= 1)?;
    let escapes = text.starts_with('E');
    let mut chars = text.char_indices().skip(start + 1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if escapes => {
                chars.next();
            }
            '\'' if chars.next_if(|(_, next)| *next == '\'').is_none() => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::reread;

    #[test]
    fn the_cast_of_an_array_is_that_of_its_elements() {
        let first = "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'it''s, ]'::character varying, E'\\\\'::character varying])::text[]))) AND (b)";
        let again = "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('it''s, ]'::character varying)::text, (E'\\\\'::character varying)::text]))) AND (b)";
        assert_eq!(reread(first), again);
        assert_eq!(reread(again), again);
        for other in [
            "CHECK ((a = ANY (ARRAY['x'::text, 'y'::text])))",
            "((ARRAY[lower('x'::text), 'y'::text])::text[])",
            "(ARRAY['x'::character varying",
            "(ARRAY[",
        ] {
            assert_eq!(reread(other), other);
        }
        assert_ne!(reread(first), reread(&first.replace("'x'", "'z'")));
    }

    #[test]
    fn a_constant_has_the_name_of_its_type() {
        let first = "BEGIN ATOMIC SELECT 'x'::text, '-1'::integer, '1'::bigint AS one; END";
        let again =
            "BEGIN ATOMIC SELECT 'x'::text AS text, '-1'::integer AS int4, '1'::bigint AS one; END";
        assert_eq!(reread(again), first);
        assert_eq!(reread(first), first);
        for other in ["SELECT 'x'::text AS texts", "SELECT x::text AS text"] {
            assert_eq!(reread(other), other);
        }
    }
}
