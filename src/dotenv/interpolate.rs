//! Variables in values (Docker documentation, "Interpolation"): `$NAME`, `${NAME}`, `${NAME:-default}`, `-`, `:?`, `?`, `:+`, `+`,
//! nested, and `$$` for a dollar.

use super::text::Text;

/// How deep defaults may be nested.
const DEEPEST: usize = 32;

/// What a variable is set to, if it is.
pub(crate) type Lookup<'a> = dyn Fn(&str) -> Option<Text> + 'a;

/// Puts the variables in.
///
/// # Errors
/// What is wrong with the syntax. It never quotes a value.
pub(crate) fn interpolate(text: &str, lookup: &Lookup<'_>) -> Result<Text, String> {
    let mut reader = Reader {
        rest: text,
        lookup,
        depth: 0,
    };
    reader.text(false)
}

struct Reader<'a> {
    rest: &'a str,
    lookup: &'a Lookup<'a>,
    depth: usize,
}

impl Reader<'_> {
    /// Reads up to the end, or up to the brace that closes the default that this text is.
    fn text(&mut self, nested: bool) -> Result<Text, String> {
        let mut text = Text::default();
        while let Some(c) = self.next() {
            match c {
                '}' if nested => return Ok(text),
                '$' => text.push(&self.variable()?),
                other => text.push_char(other),
            }
        }
        if nested {
            return Err("a ${ is not closed; expected } after the variable".to_owned());
        }
        Ok(text)
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        Some(c)
    }

    fn name(&mut self) -> String {
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !self.rest.starts_with(is_first) {
            return String::new();
        }
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name.to_owned()
    }

    /// What stands after a dollar.
    fn variable(&mut self) -> Result<Text, String> {
        if let Some(rest) = self.rest.strip_prefix('$') {
            self.rest = rest;
            return Ok(Text::known("$"));
        }
        let Some(rest) = self.rest.strip_prefix('{') else {
            let name = self.name();
            return if name.is_empty() {
                Err(
                    "a $ stands before no name; write $$ for a dollar, or ${NAME} for a variable"
                        .to_owned(),
                )
            } else {
                Ok(self.plain(&name))
            };
        };
        self.rest = rest;
        let name = self.name();
        if name.is_empty() {
            return Err("a ${ stands before no name; write ${NAME}, or $$ for a dollar".to_owned());
        }
        let operator = [":-", ":?", ":+", "-", "?", "+", "}"]
            .into_iter()
            .find(|operator| self.rest.starts_with(operator))
            // The name is not said: in a password with a dollar it is a part of it.
            .ok_or_else(|| {
                "a name behind ${ is followed by something else than :- - :? ? :+ + or }; correct it, or write $$ for a dollar".to_owned()
            })?;
        self.rest = self.rest.strip_prefix(operator).unwrap_or(self.rest);
        if operator == "}" {
            return Ok(self.plain(&name));
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!(
                "defaults of variables are nested more than {DEEPEST} deep"
            ));
        }
        let word = self.text(true)?;
        self.depth -= 1;
        let set =
            (self.lookup)(&name).filter(|value| !operator.starts_with(':') || !value.is_empty());
        Ok(match (operator.trim_start_matches(':'), set) {
            ("-", None) => {
                let mut text = word;
                let default = text.raw().to_owned();
                text.defaulted.insert(name.clone(), default);
                text.variables.insert(name);
                text
            }
            ("+", None) => Text::default(),
            ("+", Some(_)) => word,
            (_, Some(value)) => set_to(&name, value),
            (_, None) => Text::unknown(&name),
        })
    }

    fn plain(&self, name: &str) -> Text {
        (self.lookup)(name).map_or_else(|| Text::unknown(name), |value| set_to(name, value))
    }
}

fn set_to(name: &str, mut value: Text) -> Text {
    value.variables.insert(name.to_owned());
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Text, interpolate};

    fn shown(text: &str) -> String {
        let lookup = |name: &str| match name {
            "SET" => Some(Text::known("value")),
            "EMPTY" => Some(Text::default()),
            _ => None,
        };
        match interpolate(text, &lookup) {
            Ok(text) => text.shown(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("a$SET-b", "avalue-b"),
            ("${SET}", "value"),
            ("$$SET $${SET}", "$SET ${SET}"),
            ("${NO}", "${NO}"),
            ("x$NO", "x${NO}"),
            ("${NO:-a}", "a"),
            ("${NO-a}", "a"),
            ("${EMPTY:-a}", "a"),
            ("${EMPTY-a}", ""),
            ("${SET:-a}", "value"),
            ("${NO:?must be set}", "${NO}"),
            ("${NO?}", "${NO}"),
            ("${EMPTY:?}", "${EMPTY}"),
            ("${EMPTY?}", ""),
            ("${SET:+a}", "a"),
            ("${EMPTY:+a}", ""),
            ("${EMPTY+a}", "a"),
            ("${NO+a}", ""),
            ("${NO:-${NO:-deep}}", "deep"),
            ("${NO:-${NO:-${SET}}/x}y", "value/xy"),
            ("${NO:-$$}", "$"),
            ("${NO:-}", ""),
            ("postgres://u:${NO:?}@h/d", "postgres://u:${NO}@h/d"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn broken_syntax_is_an_error_without_the_value() {
        for text in [
            "canary $",
            "canary ${",
            "canary ${NO",
            "${NO:-canary",
            "${NO!canary}",
            "${}",
            "canary $1",
        ] {
            let shown = shown(text);
            assert!(shown.starts_with("error: "), "{text}: {shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
        let deep = "${A:-".repeat(1000);
        assert!(shown(&deep).contains("nested"));
    }

    #[test]
    fn a_default_says_whose_it_is() {
        let text = interpolate("${A:-${B:-x}}", &|_| None).unwrap();
        let names: Vec<&str> = text.defaulted.keys().map(String::as_str).collect();
        assert_eq!(names, ["A", "B"]);
    }
}
