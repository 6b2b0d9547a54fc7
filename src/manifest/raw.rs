//! Reads the text of a manifest into tables of known keys.
//!
//! It is read from the TOML tree rather than through serde's derive, so that every problem is found in one run, with its
//! line, and no message quotes a value.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::Problems;
use super::suggest;
use super::table::{Field, Raw, Scalar, Table, Value};

/// The version of the manifest's format that this dbctl reads.
const VERSION: i128 = 1;

const TOP_KEYS: [&str; 7] = [
    "version",
    "sets",
    "topology",
    "login_proof",
    "compose",
    "services",
    "allow",
];
const SERVICE_KEYS: [&str; 17] = [
    "store",
    "engine",
    "managed",
    "set",
    "lock",
    "database",
    "role",
    "host",
    "port",
    "password",
    "url",
    "admin_url",
    "container",
    "app",
    "optional",
    "storage_dir",
    "data_dir",
];
const ALLOW_KEYS: [&str; 6] = [
    "rule",
    "service",
    "object",
    "reason",
    "until",
    "not_checked",
];

/// Reads the text of a manifest. `None` when nothing further can be said about it.
pub(super) fn read(text: &str, problems: &mut Problems) -> Option<Raw> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let mut reader = Reader {
        text,
        breaks: breaks.map(|(at, _)| at).collect(),
        problems,
    };
    if !errors.is_empty() {
        reader.syntax(&errors);
        return None;
    }
    let root = document.get_ref();
    reader.version(root)?;
    Some(reader.document(root))
}

struct Reader<'a> {
    text: &'a str,
    /// Where the lines end.
    breaks: Vec<usize>,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        self.breaks.partition_point(|end| *end < offset) + 1
    }

    /// Broken TOML. The crate's own message prints the line, which may hold a password.
    fn syntax(&mut self, errors: &[toml::de::Error]) {
        // What follows the first error is mostly its echo.
        if let Some(error) = errors.first() {
            let start = error.span().map_or(self.text.len(), |span| span.start);
            let line = self.line(start);
            let before: Vec<u8> = self.text.bytes().take(start).collect();
            let column = before
                .rsplit(|byte| *byte == b'\n')
                .next()
                .map_or(0, |rest| String::from_utf8_lossy(rest).chars().count())
                + 1;
            let message = error.message().replace('\n', " ");
            self.problems
                .at(line, "", &format!("column {column}: not TOML: {message}"));
        }
    }

    /// Checks the version before anything else: of a newer manifest nothing can be said.
    fn version(&mut self, root: &DeTable<'_>) -> Option<()> {
        let advice = "write version = 1 at the top";
        let Some((key, value)) = root.get_key_value("version") else {
            self.problems.at(
                1,
                "version",
                &format!("expected {VERSION}, found nothing; {advice}"),
            );
            return Some(());
        };
        let line = self.line(key.span().start);
        match simple(value.get_ref()) {
            Some(Scalar::Integer(VERSION)) => Some(()),
            Some(Scalar::Integer(version)) if version > VERSION => {
                self.problems.at(
                    line,
                    "version",
                    &format!("expected {VERSION}, found {version}: this manifest was made for a newer dbctl; upgrade dbctl (this is {})", crate::VERSION),
                );
                None
            }
            other => {
                let found =
                    other.map_or_else(|| kind(value.get_ref()).to_owned(), |s| s.found(false));
                self.problems.at(
                    line,
                    "version",
                    &format!("expected {VERSION}, found {found}; {advice}"),
                );
                Some(())
            }
        }
    }

    fn document(&mut self, root: &DeTable<'_>) -> Raw {
        let mut raw = Raw {
            top: Table {
                name: String::new(),
                path: String::new(),
                line: 1,
                fields: self.fields(root, "", &TOP_KEYS),
            },
            services: Vec::new(),
            allow: Vec::new(),
        };
        match root.get_key_value("services") {
            Some((key, value)) => self.services(self.line(key.span().start), value, &mut raw),
            None => self.problems.at(
                1,
                "services",
                "expected at least one service, found none; add a table such as [services.my-service]",
            ),
        }
        if let Some((key, value)) = root.get_key_value("allow") {
            let line = self.line(key.span().start);
            let DeValue::Array(entries) = value.get_ref() else {
                self.wrong_kind(line, "allow", "a list of tables", "write [[allow]]", value);
                return raw;
            };
            for entry in entries.iter() {
                let line = self.line(entry.span().start);
                let DeValue::Table(table) = entry.get_ref() else {
                    self.wrong_kind(line, "allow", "a table", "write [[allow]]", entry);
                    continue;
                };
                raw.allow.push(Table {
                    name: String::new(),
                    path: "allow".to_owned(),
                    line,
                    fields: self.fields(table, "allow", &ALLOW_KEYS),
                });
            }
        }
        raw
    }

    fn services(&mut self, line: usize, value: &Spanned<DeValue<'_>>, raw: &mut Raw) {
        let DeValue::Table(services) = value.get_ref() else {
            self.wrong_kind(line, "services", "a table", "write [services.NAME]", value);
            return;
        };
        if services.is_empty() {
            self.problems.at(line, "services", "expected at least one service, found none; add a table such as [services.my-service]");
        }
        // The tree sorts by name; people read their file's order.
        let mut services: Vec<_> = services.iter().collect();
        services.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in services {
            let line = self.line(name.span().start);
            let path = format!("services.{}", name.get_ref());
            if !is_service_name(name.get_ref()) {
                self.problems.at(
                    line,
                    &format!("services.{:?}", name.get_ref()),
                    "expected a name of a-z, 0-9, - and _ that begins with a letter or digit; rename the service",
                );
                continue;
            }
            let DeValue::Table(table) = value.get_ref() else {
                self.wrong_kind(line, &path, "a table", "write [services.NAME]", value);
                continue;
            };
            raw.services.push(Table {
                name: name.get_ref().to_string(),
                line,
                fields: self.fields(table, &path, &SERVICE_KEYS),
                path,
            });
        }
    }

    /// The known keys of a table; unknown ones are reported.
    fn fields(
        &mut self,
        table: &DeTable<'_>,
        path: &str,
        known: &'static [&'static str],
    ) -> Vec<Field> {
        let mut fields = Vec::new();
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let line = self.line(name.span().start);
            let Some(key) = known.iter().find(|key| **key == name.get_ref().as_ref()) else {
                self.unknown(line, path, name.get_ref(), known);
                continue;
            };
            if path.is_empty() && ["version", "services", "allow"].contains(key) {
                continue;
            }
            fields.push(Field {
                key,
                line,
                flag: None,
                value: self.value(line, &join(path, key), value),
            });
        }
        fields
    }

    fn unknown(&mut self, line: usize, path: &str, name: &str, known: &[&str]) {
        let shown: String = name.chars().flat_map(char::escape_debug).collect();
        let advice = suggest::advice(name, known);
        self.problems
            .at(line, &join(path, &shown), &format!("unknown key; {advice}"));
    }

    fn value(&mut self, line: usize, path: &str, value: &Spanned<DeValue<'_>>) -> Value {
        let expected = "a value, or { env = \"NAME\", default = … }";
        let DeValue::Table(table) = value.get_ref() else {
            return simple(value.get_ref()).map_or_else(
                || {
                    self.wrong_kind(line, path, expected, "write one value", value);
                    Value::Broken
                },
                Value::Literal,
            );
        };
        let mut names = Vec::new();
        let mut default = None;
        let mut broken = false;
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("env", DeValue::String(name)) => names.push(name.to_string()),
                ("env", DeValue::Array(list)) => {
                    for name in list.iter() {
                        match name.get_ref() {
                            DeValue::String(name) => names.push(name.to_string()),
                            // Reported below as a list without a proper name.
                            _ => names.push(String::new()),
                        }
                    }
                }
                ("default", value) if simple(value).is_some() => default = simple(value),
                ("env" | "default", _) => {
                    let path = join(path, key.get_ref());
                    self.wrong_kind(line, &path, "text in quotes", "write a simple value", value);
                    broken = true;
                }
                (unknown, _) => {
                    self.unknown(line, path, unknown, &["env", "default"]);
                    broken = true;
                }
            }
        }
        let proper = |name: &String| !name.is_empty() && !name.contains(['=', '\0', ' ']);
        if !broken && (names.is_empty() || !names.iter().all(proper)) {
            self.problems.at(
                line,
                &join(path, "env"),
                "expected the name of a variable or a list of names; write env = \"NAME\" or env = [\"FIRST\", \"SECOND\"]",
            );
            broken = true;
        }
        if broken {
            Value::Broken
        } else {
            Value::Variable { names, default }
        }
    }

    fn wrong_kind(
        &mut self,
        line: usize,
        path: &str,
        expected: &str,
        advice: &str,
        value: &Spanned<DeValue<'_>>,
    ) {
        let found = kind(value.get_ref());
        self.problems.at(
            line,
            path,
            &format!("expected {expected}, found {found}; {advice}"),
        );
    }
}

fn simple(value: &DeValue<'_>) -> Option<Scalar> {
    match value {
        DeValue::String(text) => Some(Scalar::Text(text.to_string())),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Scalar::Integer),
        DeValue::Boolean(value) => Some(Scalar::Bool(*value)),
        DeValue::Datetime(value) => match (value.date, value.time, value.offset) {
            (Some(date), None, None) => Some(Scalar::Date(date.year, date.month, date.day)),
            _ => None,
        },
        DeValue::Float(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date and time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn is_service_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}
