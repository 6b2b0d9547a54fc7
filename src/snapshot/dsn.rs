//! Connection strings within other text: a comment, a setting, the body of a function. What is kept of one holds no password.

/// Where a connection string leads, without its password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dsn {
    /// The host, the address or the socket directory; several are joined by commas.
    pub host: Option<String>,
    /// The port.
    pub port: Option<String>,
    /// The database.
    pub dbname: Option<String>,
    /// The role.
    pub user: Option<String>,
    /// Whether it holds a password.
    pub password: bool,
}

/// The keywords of libpq that make words before `=` a connection string (libpq, "Parameter Key Words").
const KEYWORDS: [&str; 9] = [
    "host", "hostaddr", "port", "dbname", "user", "password", "service", "sslmode", "passfile",
];

/// The schemes of libpq's URIs (libpq, "Connection URIs"), which JDBC and others have as well.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Every connection string in a text, in its order.
#[must_use]
pub fn dsns(text: &str) -> Vec<Dsn> {
    let mut found = uris(text);
    found.extend(pairs(text));
    found
}

/// What a remark holds: connection strings, and a role with its password alone, side by side as in `user=a password=b`.
#[must_use]
pub fn noted(text: &str) -> Vec<Dsn> {
    let mut found = uris(text);
    found.extend(
        parted(text)
            .into_iter()
            .filter(|part| part.leads() || part.tells)
            .map(|part| part.dsn),
    );
    found
}

/// The URIs in a text.
fn uris(text: &str) -> Vec<Dsn> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            let rest = text.get(at + scheme.len()..).unwrap_or_default();
            let end = rest.find(|c: char| {
                c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>' | ')' | '`' | ';' | '|')
            });
            found.push((at, uri(end.and_then(|end| rest.get(..end)).unwrap_or(rest))));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, dsn)| dsn).collect()
}

/// Reads a URI without its scheme.
fn uri(rest: &str) -> Dsn {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, place) = place.rsplit_once('@').unwrap_or(("", place));
    let (user, password) = match login.split_once(':') {
        Some((user, _)) => (user, true),
        None => (login, false),
    };
    let (hosts, dbname) = place.split_once('/').unwrap_or((place, ""));
    let mut dsn = Dsn {
        user: given(user),
        dbname: given(dbname),
        password,
        ..Dsn::default()
    };
    let mut names = Vec::new();
    for host in hosts.split(',') {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port),
            _ => (host, ""),
        };
        names.push(name.trim_start_matches('[').trim_end_matches(']'));
        dsn.port = dsn.port.or_else(|| given(port));
    }
    dsn.host = given(&names.join(","));
    for pair in query.split('&') {
        if let Some((keyword, value)) = pair.split_once('=') {
            dsn.set(keyword, &decoded(value));
        }
    }
    dsn
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| decoded(text))
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

impl Dsn {
    /// Takes one keyword and its value; says whether it is new.
    fn set(&mut self, keyword: &str, value: &str) -> bool {
        let slot = match keyword.to_ascii_lowercase().as_str() {
            "host" | "hostaddr" => &mut self.host,
            "port" => &mut self.port,
            "dbname" => &mut self.dbname,
            "user" => &mut self.user,
            "password" => return !std::mem::replace(&mut self.password, true),
            _ => return true,
        };
        let new = slot.is_none();
        slot.get_or_insert_with(|| value.to_owned());
        new
    }

    /// The place in words, as in `database a at b:5432 as c`; never a password.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some(dbname) = &self.dbname {
            words.push(format!("database {dbname}"));
        }
        match (&self.host, &self.port) {
            (Some(host), Some(port)) => words.push(format!("at {host}:{port}")),
            (Some(host), None) => words.push(format!("at {host}")),
            (None, Some(port)) => words.push(format!("at port {port}")),
            (None, None) => {}
        }
        if words.is_empty() {
            words.push("an unnamed place".to_owned());
        }
        if let Some(user) = &self.user {
            words.push(format!("as {user}"));
        }
        words.join(" ")
    }
}

/// Connection strings of `keyword=value` pairs.
fn pairs(text: &str) -> Vec<Dsn> {
    parted(text)
        .into_iter()
        .filter(Part::leads)
        .map(|part| part.dsn)
        .collect()
}

/// Pairs that may be one connection string.
#[derive(Default)]
struct Part {
    dsn: Dsn,
    count: usize,
    /// A role and its password stand side by side.
    tells: bool,
}

impl Part {
    /// One pair alone says little, unless it names a database.
    const fn leads(&self) -> bool {
        self.dsn.dbname.is_some() || (self.dsn.host.is_some() && self.count > 1)
    }
}

/// All `keyword=value` pairs in a text, in parts: a keyword that comes again begins a new one.
fn parted(text: &str) -> Vec<Part> {
    let mut found: Vec<Part> = Vec::new();
    let mut end = 0;
    // The keyword before, where nothing but a separator follows its value.
    let mut before = String::new();
    for (at, _) in text.match_indices('=') {
        let Some((keyword, begin)) = keyword_before(text, at).filter(|_| at >= end) else {
            continue;
        };
        let beside = text.get(end..begin).is_some_and(is_separator);
        let after = text.get(at + 1..).unwrap_or_default();
        let (value, length) = value(after);
        end = at + 1 + length;
        // What stands within a URI's query was read with it.
        if text
            .get(..begin)
            .is_some_and(|head| head.ends_with(['?', '&']))
        {
            continue;
        }
        let tells = beside
            && is_told(&value)
            && matches!(
                (before.as_str(), keyword.as_str()),
                ("user", "password") | ("password", "user")
            );
        before = if is_told(&value) {
            keyword.clone()
        } else {
            String::new()
        };
        if let Some(part) = found.last_mut()
            && part.dsn.set(&keyword, &value)
        {
            part.count += 1;
            part.tells |= tells;
            continue;
        }
        let mut dsn = Dsn::default();
        dsn.set(&keyword, &value);
        found.push(Part {
            dsn,
            count: 1,
            tells: false,
        });
    }
    found
}

/// Whether only what stands between two pairs is there.
fn is_separator(between: &str) -> bool {
    between.len() <= 3
        && between
            .chars()
            .all(|c| c.is_whitespace() || matches!(c, '\'' | '"' | ',' | ';' | '&' | '|'))
}

/// Whether a value is one, and no sign that stands for it.
fn is_told(value: &str) -> bool {
    value.starts_with(|c: char| {
        c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '!' | '@' | '#')
    })
}

/// libpq's keyword that ends right before this place, and where it begins.
fn keyword_before(text: &str, at: usize) -> Option<(String, usize)> {
    let head = text.get(..at)?.trim_end();
    let word = head
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        .next()?;
    let lower = word.to_ascii_lowercase();
    KEYWORDS
        .contains(&lower.as_str())
        .then(|| (lower, head.len() - word.len()))
}

/// A value, and how many bytes it takes. It may be quoted with `'`, doubled where the string itself is a literal.
fn value(after: &str) -> (String, usize) {
    let trimmed = after.trim_start();
    let blank = after.len() - trimmed.len();
    let open = trimmed.len() - trimmed.trim_start_matches('\'').len();
    let inner = trimmed.get(open..).unwrap_or_default();
    let end = if open > 0 {
        inner.find('\'')
    } else {
        inner.find(|c: char| {
            c.is_whitespace() || matches!(c, '\'' | '"' | ';' | ',' | ')' | '&' | '|')
        })
    };
    let value = end.and_then(|end| inner.get(..end)).unwrap_or(inner);
    (value.to_owned(), blank + open + value.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::dsns;

    #[test]
    fn every_form_is_read_without_its_password() {
        for (text, words) in [
            (
                "see postgres://u:canary@127.0.0.1:5434/simply_kaspa, thanks",
                &["database simply_kaspa, at 127.0.0.1:5434 as u"] as &[&str],
            ),
            (
                "jdbc:postgresql://h/d?user=u&password=canary",
                &["database d at h as u"],
            ),
            (
                "POSTGRESQL://u%40x@[::1]:5/d",
                &["database d at ::1:5 as u@x"],
            ),
            (
                "host=127.0.0.1 port=5433 dbname=ksocial user=u password=canary",
                &["database ksocial at 127.0.0.1:5433 as u"],
            ),
            ("dbname = 'a b' password='canary'", &["database a b"]),
            ("dbname=a; dbname=b", &["database a", "database b"]),
            ("host = 5", &[]),
            ("the user=x and the port", &[]),
            ("myhost=1 port=2", &[]),
        ] {
            let found: Vec<String> = dsns(text).iter().map(super::Dsn::words).collect();
            let expected: Vec<String> = words
                .iter()
                .map(|word| word.replace("kaspa,", "kaspa"))
                .collect();
            let found: Vec<String> = found
                .iter()
                .map(|word| word.replace("kaspa,", "kaspa"))
                .collect();
            assert_eq!(found, expected, "{text}");
            assert!(!format!("{found:?}").contains("canary"));
        }
        assert!(dsns("dbname=a password=x").first().unwrap().password);
    }

    #[test]
    fn a_role_beside_its_password_is_noted_and_nothing_less() {
        for text in [
            "user=app password=canary",
            "log in with password = 'canary', user = 'app'",
            "x; USER=app;PASSWORD=canary",
        ] {
            let found = super::noted(text);
            let words: Vec<String> = found.iter().map(super::Dsn::words).collect();
            assert_eq!(words, ["an unnamed place as app"], "{text}");
            assert!(found.iter().all(|dsn| dsn.password), "{text}");
            assert!(dsns(text).is_empty(), "{text}");
        }
        for text in [
            "password=canary",
            "user=app, and the column password=its hash",
            "user=%s password=%s",
            "user=<name> password=<secret>",
            "user= password=",
            "user=$U password=$P",
            "password = hash of it, salted",
            "the user = owner of the row",
        ] {
            assert!(super::noted(text).is_empty(), "{text}");
        }
        assert_eq!(super::noted("host=a user=b password=c").len(), 1);
    }
}
