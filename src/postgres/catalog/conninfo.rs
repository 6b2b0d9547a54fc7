//! Host, port and database of a connection string, and nothing else of it: it holds a password.

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Where a connection string leads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::postgres) struct Source {
    pub(in crate::postgres) host: Option<String>,
    pub(in crate::postgres) port: Option<String>,
    pub(in crate::postgres) dbname: Option<String>,
}

impl Source {
    /// Reads libpq's two forms (libpq, "Connection Strings"). Keywords that only libpq knows do not matter here.
    pub(in crate::postgres) fn of(conninfo: &str) -> Self {
        if conninfo.starts_with("postgres://") || conninfo.starts_with("postgresql://") {
            return Self::of_uri(conninfo.split('?').next().unwrap_or_default());
        }
        let mut source = Self::default();
        for (keyword, value) in pairs(conninfo) {
            match keyword.as_str() {
                "host" => source.host = Some(value),
                "hostaddr" => source.host = source.host.or(Some(value)),
                "port" => source.port = Some(value),
                "dbname" => source.dbname = Some(value),
                _ => {}
            }
        }
        source
    }

    fn of_uri(uri: &str) -> Self {
        let Ok(config) = uri.parse::<Config>() else {
            return Self::default();
        };
        let hosts: Vec<String> = config
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                #[cfg(unix)]
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        Self {
            host: (!hosts.is_empty()).then(|| hosts.join(",")),
            port: config.get_ports().first().map(ToString::to_string),
            dbname: config.get_dbname().map(str::to_owned),
        }
    }
}

/// `keyword = value` pairs: values may be quoted with `'`, and `\` takes the next character as it is.
fn pairs(conninfo: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut chars = conninfo.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut keyword = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=') {
            keyword.push(c);
        }
        if chars.next().is_none() {
            return pairs;
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        while let Some(c) = chars.next_if(|c| quoted || !c.is_whitespace()) {
            match c {
                '\'' if quoted => break,
                '\\' => value.extend(chars.next()),
                _ => value.push(c),
            }
        }
        pairs.push((keyword.trim_end().to_owned(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn source(conninfo: &str) -> (String, String) {
        let Source { host, dbname, .. } = Source::of(conninfo);
        (host.unwrap_or_default(), dbname.unwrap_or_default())
    }

    #[test]
    fn the_port_is_read() {
        for (conninfo, port) in [
            ("host=a port=5434 password=canary", Some("5434")),
            ("host=a", None),
            ("postgresql://u:canary@a:5434/b", Some("5434")),
        ] {
            assert_eq!(Source::of(conninfo).port.as_deref(), port, "{conninfo}");
        }
    }

    #[test]
    fn both_forms_are_read() {
        let cases = [
            (
                "host=a port=5434 dbname=b user=u password=canary",
                ("a", "b"),
            ),
            (
                "host = 'a b' password='ca\\'nary' dbname='b\\\\c'",
                ("a b", "b\\c"),
            ),
            ("sslrootcert=/x gssdelegation=0 dbname=b", ("", "b")),
            ("hostaddr=127.0.0.1 dbname=b", ("127.0.0.1", "b")),
            ("postgresql://u:canary@a:5434/b?sslrootcert=/x", ("a", "b")),
            ("postgres://u:canary@a,c/b", ("a,c", "b")),
            ("password='dbname=canary host=canary' dbname=b", ("", "b")),
            ("", ("", "")),
            ("dbname", ("", "")),
            ("dbname=", ("", "")),
            ("password='canary", ("", "")),
        ];
        for (conninfo, (host, dbname)) in cases {
            assert_eq!(
                source(conninfo),
                (host.to_owned(), dbname.to_owned()),
                "{conninfo}"
            );
        }
    }
}
