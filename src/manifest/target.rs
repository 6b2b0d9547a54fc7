//! Where a service's database is: its URL, or the parts that the manifest gives.

use super::endpoint::{ChannelBinding, DEFAULT_PORT, Endpoint, Host, SessionAttrs, SslMode};
use super::table::{Scalar, Value};
use super::tls::Tls;
use super::uri::{check_host, unbracketed};
use super::value::{Source, Sourced};
use super::values::Values;
use super::{Shown, Target};
use crate::secret::Secret;

/// A resolved target.
pub(super) struct Resolved {
    pub(super) target: Target,
    /// The keys in force, for people.
    pub(super) shown: Vec<Shown>,
    /// Whether the password in use is the manifest's default.
    pub(super) default_password: bool,
    /// Whether the manifest alone says where the database is, without variable or flag.
    pub(super) fixed: bool,
}

/// Resolves the target of an SQL service. `None` after a problem was reported.
pub(super) fn resolve(
    values: &mut Values<'_>,
    database: Option<&Sourced<String>>,
    role: Option<&Sourced<String>>,
    optional: bool,
) -> Option<Resolved> {
    if let Some((_, source)) = values.lookup("url") {
        return from_url(values, &source);
    }
    let host = values.lookup("host").is_some();
    if !host && (values.table.broken("url") || values.table.broken("host")) {
        return None;
    }
    if host {
        return from_parts(values, database, role);
    }
    let variables: Vec<String> = ["url", "host"]
        .iter()
        .flat_map(|key| values.variables(key).to_vec())
        .collect();
    // Without a variable it is no place that is missing here, but one that is missing anywhere.
    let elsewhere = values.context.offline && !variables.is_empty();
    if optional || values.context.sandbox || elsewhere {
        return Some(Resolved {
            target: Target::NotConfigured { variables },
            shown: Vec::new(),
            default_password: false,
            fixed: false,
        });
    }
    let (key, advice) = if variables.is_empty() {
        (
            "url",
            "add url, or host, port, role and password".to_owned(),
        )
    } else {
        (
            if values.has("url") { "url" } else { "host" },
            format!(
                "set {}, or write optional = true if the service may do without a database",
                variables.join(" or ")
            ),
        )
    };
    values.problem(
        key,
        &format!("expected the way to the database, found neither url nor host; {advice}"),
    );
    None
}

/// Parses the URL of `url` or `admin_url`.
pub(super) fn endpoint(values: &mut Values<'_>, key: &'static str) -> Option<Sourced<Endpoint>> {
    let url = values.text(key)?;
    match Endpoint::parse_with(&url.value, values.context.defaults) {
        Ok(mut value) => {
            value.password_source = Some((key, url.source.clone()));
            value.service = Some(values.table.name.clone());
            Some(Sourced {
                value,
                source: url.source,
            })
        }
        Err(error) => {
            let found = "one that cannot be used";
            values.unfit(key, &url.source, "a connection URL", found, &error.0);
            None
        }
    }
}

fn from_url(values: &mut Values<'_>, source: &Source) -> Option<Resolved> {
    for key in ["host", "port"] {
        // The URL wins over the parts, so the flag would do nothing.
        if values.is_flag(key) {
            values.problem(
                key,
                &format!(
                    "the service's url is in force ({source}) and wins over host and port; unset it, or change it there"
                ),
            );
        }
    }
    // A part that is a variable is not needed now; a wrong literal stays wrong.
    if !matches!(
        values.lookup("port"),
        Some((_, Source::Env(_) | Source::DotEnv(_)))
    ) {
        values.port();
    }
    let endpoint = endpoint(values, "url")?;
    let default_password = is_default(values, password_of(&endpoint.value));
    let url = endpoint.value.display();
    let mut shown = vec![Shown::new("url", url, &endpoint.source)];
    if let Some(plain) = values
        .text("url")
        .and_then(|url| Endpoint::parse(&url.value).ok())
    {
        shown.extend(values.context.defaults.shown(&plain, &endpoint.value));
    }
    Some(Resolved {
        shown,
        default_password,
        fixed: is_fixed(&endpoint.source),
        target: Target::Database(endpoint),
    })
}

fn from_parts(
    values: &mut Values<'_>,
    database: Option<&Sourced<String>>,
    role: Option<&Sourced<String>>,
) -> Option<Resolved> {
    let host = host(values);
    let port = if values.lookup("port").is_some() {
        values.port()
    } else if values.table.broken("port") {
        None
    } else {
        Some(Sourced {
            value: DEFAULT_PORT,
            source: Source::Default,
        })
    };
    // Without a password the server may trust the role, so an unset variable is no mistake; an empty one is.
    let password = values.text("password");
    values.require(
        "role",
        "the role that the service logs in as",
        "add role, or give a url",
    );
    let ((host, port), (database, role)) = (host.zip(port)?, database.zip(role)?);
    let mut shown = vec![
        Shown::new("host", host.value.clone(), &host.source),
        Shown::new("port", port.value.to_string(), &port.source),
    ];
    if let Some(password) = &password {
        shown.push(Shown::new("password", "***".to_owned(), &password.source));
    }
    let fixed = [&host.source, &port.source, &database.source]
        .into_iter()
        .all(is_fixed);
    let source = [&port.source, &host.source]
        .into_iter()
        .max_by_key(|source| rank(source))
        .cloned()?;
    let unset = || Some(Source::Env(values.variables("password").first()?.clone()));
    let password_source = (password.as_ref())
        .map_or_else(unset, |password| Some(password.source.clone()))
        .map(|source| ("password", source));
    let password = password.map(|password| Secret::new(password.value));
    let plain = Endpoint {
        hosts: vec![Host {
            name: host.value,
            port: port.value,
        }],
        user: role.value.clone(),
        password,
        password_source,
        database: database.value.clone(),
        ssl_mode: SslMode::Prefer,
        ssl_root_cert: None,
        client_certificate: None,
        connect_timeout: None,
        options: None,
        session_attrs: SessionAttrs::Any,
        channel_binding: ChannelBinding::Prefer,
        password_file: None,
        service: Some(values.table.name.clone()),
    };
    let defaults = values.context.defaults;
    let tls = match defaults.tls(Tls::default()) {
        Ok(tls) => tls,
        Err(reason) => {
            values.problem("host", &reason);
            return None;
        }
    };
    let endpoint = Endpoint {
        ssl_mode: tls.mode,
        ssl_root_cert: tls.root_cert,
        client_certificate: tls.client_certificate,
        connect_timeout: defaults.connect_timeout(None),
        password_file: defaults.password_file(None),
        ..plain.clone()
    };
    let default_password = is_default(values, password_of(&endpoint));
    shown.extend(defaults.shown(&plain, &endpoint));
    Some(Resolved {
        target: Target::Database(Sourced {
            value: endpoint,
            source,
        }),
        shown,
        default_password,
        fixed,
    })
}

fn host(values: &mut Values<'_>) -> Option<Sourced<String>> {
    let mut host = values.text("host")?;
    host.value = unbracketed(&host.value).to_owned();
    if let Err(reason) = check_host(&host.value) {
        // Not quoted: it may be a URL in the wrong place.
        let advice = format!("{reason}; a whole URL belongs to url");
        let expected = "one host name, address or socket directory";
        values.unfit("host", &host.source, expected, "something else", &advice);
        return None;
    }
    Some(host)
}

/// The password that the first host is entered with.
fn password_of(endpoint: &Endpoint) -> Option<&Secret> {
    endpoint.password_for(endpoint.hosts.first()?)
}

/// Whether this password is the `default` that the manifest publishes.
fn is_default(values: &Values<'_>, password: Option<&Secret>) -> bool {
    let Some(Value::Variable {
        default: Some(Scalar::Text(default)),
        ..
    }) = values.table.field("password").map(|field| &field.value)
    else {
        return false;
    };
    password.is_some_and(|password| password.expose() == default)
}

const fn is_fixed(source: &Source) -> bool {
    matches!(source, Source::File(_) | Source::Default | Source::BuiltIn)
}

/// How far a source is from the manifest: the farthest one is what an operator has to look at.
const fn rank(source: &Source) -> u8 {
    match source {
        Source::Flag => 5,
        Source::Env(_) => 4,
        Source::DotEnv(_) => 3,
        Source::File(_) => 2,
        Source::Default | Source::Home | Source::PasswordFile(..) => 1,
        Source::BuiltIn => 0,
    }
}
