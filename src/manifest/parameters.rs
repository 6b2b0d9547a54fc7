//! The parts of a connection URI and its parameters, and the endpoint that they make.

use super::defaults::Defaults;
use super::endpoint::{
    ChannelBinding, DEFAULT_PORT, Endpoint, EndpointError, Host, SessionAttrs, SslMode,
};
use super::suggest::closest;
use super::tls::Tls;
use super::uri::{HINT, MAX_NAME, SHAPE, check_host, fail, port_of, unbracketed};
use crate::secret::Secret;

/// The parameters that mean something, for whoever misspells one: without it TLS, say, would be lost.
const KNOWN: [&str; 14] = [
    "user",
    "password",
    "dbname",
    "host",
    "port",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_timeout",
    "options",
    "target_session_attrs",
    "channel_binding",
    "passfile",
];

/// An endpoint in the making.
#[derive(Default)]
pub(super) struct Parts {
    user: String,
    password: Option<String>,
    database: String,
    hosts: Vec<(String, Option<u16>)>,
    ports: Option<Vec<Option<u16>>>,
    tls: Tls,
    connect_timeout: Option<u32>,
    options: Option<String>,
    session_attrs: SessionAttrs,
    channel_binding: ChannelBinding,
    password_file: Option<String>,
}

impl Parts {
    /// What stands before the parameters.
    pub(super) fn new(
        user: String,
        password: Option<String>,
        database: String,
        hosts: Vec<(String, Option<u16>)>,
    ) -> Self {
        Self {
            user,
            password,
            database,
            hosts,
            ..Self::default()
        }
    }

    /// Takes one parameter. `stray` says that the parameters hold an `@`, so they may be a piece of a password.
    pub(super) fn parameter(
        &mut self,
        name: &str,
        value: String,
        stray: bool,
    ) -> Result<(), EndpointError> {
        match name {
            "user" => self.user = value,
            "password" => self.password = Some(value),
            "dbname" => self.database = value,
            "host" => {
                // What stands after a colon is a port of its own, whatever names the host.
                let own: Vec<Option<u16>> = self.hosts.iter().map(|(_, port)| *port).collect();
                if self.ports.is_none() && own.iter().any(Option::is_some) {
                    self.ports = Some(own);
                }
                self.hosts = value
                    .split(',')
                    .map(|host| (unbracketed(host).to_owned(), None))
                    .collect();
            }
            "port" => {
                let ports: Result<_, _> = value.split(',').map(port_of).collect();
                self.ports = Some(ports?);
            }
            "sslmode" => {
                let Some(mode) = SslMode::parse(&value) else {
                    return fail(
                        "parameter sslmode: expected disable, allow, prefer, require, verify-ca or verify-full",
                    );
                };
                self.tls.mode = Some(mode);
            }
            "sslrootcert" => self.tls.root_cert = given(value),
            "sslcert" => self.tls.certificate = given(value),
            "sslkey" => self.tls.key = given(value),
            "connect_timeout" => {
                let Ok(seconds) = value.parse() else {
                    return fail("parameter connect_timeout: expected a number of seconds");
                };
                self.connect_timeout = Some(seconds);
            }
            "options" => self.options = given(value),
            "target_session_attrs" => {
                let Some(attrs) = SessionAttrs::parse(&value) else {
                    return fail(
                        "parameter target_session_attrs: expected any, read-write, read-only, primary, standby or prefer-standby",
                    );
                };
                self.session_attrs = attrs;
            }
            "channel_binding" => {
                let Some(binding) = ChannelBinding::parse(&value) else {
                    return fail("parameter channel_binding: expected disable, prefer or require");
                };
                self.channel_binding = binding;
            }
            "passfile" => self.password_file = given(value),
            "gssencmode" if value == "require" => {
                return fail(
                    "parameter gssencmode=require: dbctl has no GSSAPI; use TLS (sslmode=verify-full)",
                );
            }
            "sslnegotiation" if value == "direct" => {
                return fail(
                    "parameter sslnegotiation=direct: dbctl asks for TLS first, which every server of PostgreSQL understands; take it out of the URL",
                );
            }
            "ssl" if !stray => {
                return fail(
                    "parameter ssl is the word of JDBC; libpq's is sslmode: write sslmode=require for ssl=true, or sslmode=verify-full, \
                     which proves the server as well",
                );
            }
            // A piece of a password may look like a name.
            _ if !stray && let Some(reason) = refused(name, &value) => {
                return fail(format!("parameter {name}: {reason}"));
            }
            _ if without_meaning(name) => {}
            _ => {
                let setting = name
                    .strip_prefix("options[")
                    .and_then(|name| name.strip_suffix(']'));
                if let Some(setting) = setting {
                    self.setting(setting, &value);
                    return Ok(());
                }
                let plain = !name.is_empty()
                    && name.len() <= 40
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                return fail(if plain && !stray {
                    match closest(name, KNOWN) {
                        Some(known) => format!("unknown parameter {name}; did you mean {known}?"),
                        None => format!(
                            "dbctl has no parameter {name}; take it out of the URL that dbctl is given"
                        ),
                    }
                } else {
                    format!("a parameter after the ? is unknown; {HINT}")
                });
            }
        }
        Ok(())
    }

    /// The endpoint; what is left open is as the environment says.
    pub(super) fn finish(mut self, defaults: &Defaults) -> Result<Endpoint, EndpointError> {
        if self.user.is_empty() {
            return fail(format!("the URL names no role; expected {SHAPE}"));
        }
        if self.password.as_ref().is_some_and(String::is_empty) {
            return fail("the password in the URL is empty; write one, or leave the colon out");
        }
        if self.database.is_empty() {
            self.database.clone_from(&self.user);
        }
        for (what, name) in [("role", &self.user), ("database", &self.database)] {
            if name.chars().any(char::is_control) {
                return fail(format!("the {what} in the URL holds a control character"));
            }
            if name.len() > MAX_NAME {
                return fail(format!(
                    "the {what} in the URL is longer than {MAX_NAME} bytes; PostgreSQL would cut it silently"
                ));
            }
        }
        let hosts = self.hosts()?;
        let tls = defaults.tls(self.tls).map_err(EndpointError)?;
        Ok(Endpoint {
            hosts,
            user: self.user,
            password: self.password.map(Secret::new),
            password_source: None,
            database: self.database,
            ssl_mode: tls.mode,
            ssl_root_cert: tls.root_cert,
            client_certificate: tls.client_certificate,
            connect_timeout: defaults.connect_timeout(self.connect_timeout),
            options: self.options,
            session_attrs: self.session_attrs,
            channel_binding: self.channel_binding,
            password_file: defaults.password_file(self.password_file.as_deref()),
            service: None,
        })
    }

    /// One more setting behind the options for the server, as sqlx has it.
    fn setting(&mut self, name: &str, value: &str) {
        let options = self.options.get_or_insert_default();
        if !options.is_empty() {
            options.push(' ');
        }
        options.push_str("-c ");
        options.push_str(&escaped(&format!("{name}={value}")));
    }

    fn hosts(&self) -> Result<Vec<Host>, EndpointError> {
        if self.hosts.is_empty() {
            // libpq's default is a socket directory chosen when it was compiled; that is a guess here.
            return fail(format!(
                "the URL names no host; expected {SHAPE}, or ?host=/directory for a socket"
            ));
        }
        if let Some(ports) = &self.ports
            && ports.len() != 1
            && ports.len() != self.hosts.len()
        {
            return fail("parameter port: expected one port, or one for each host");
        }
        let mut hosts = Vec::new();
        for (index, (name, own_port)) in self.hosts.iter().enumerate() {
            check_host(name).map_err(EndpointError)?;
            let port = match &self.ports {
                Some(ports) => ports
                    .get(index)
                    .or_else(|| ports.first())
                    .copied()
                    .flatten(),
                None => *own_port,
            };
            hosts.push(Host {
                name: name.clone(),
                port: port.unwrap_or(DEFAULT_PORT),
            });
        }
        Ok(hosts)
    }
}

/// A value that is not empty.
fn given(value: String) -> Option<String> {
    Some(value).filter(|value| !value.is_empty())
}

/// Whether a parameter of libpq or of a driver changes nothing of what dbctl does: it may stay in a URL that the service has as well.
fn without_meaning(name: &str) -> bool {
    [
        // dbctl sets its own, so that it is found in pg_stat_activity.
        "application_name",
        "fallback_application_name",
        // dbctl never asks for encryption by GSSAPI, and asks for TLS in the way that all servers know.
        "gssencmode",
        "sslnegotiation",
        // It has its own, which free a lock within 90 s where the client's machine is gone.
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "keepalives_retries",
        "tcp_user_timeout",
        // It speaks UTF-8 and version 3.0 of the protocol, and compresses nothing, which is as libpq has it where these are not ignored.
        "client_encoding",
        "sslcompression",
        "min_protocol_version",
        "max_protocol_version",
        // What is not refused for its value.
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "sslcertmode",
        "sslsni",
        // It tries hosts in order, and prepares nothing by name.
        "load_balance_hosts",
        "statement-cache-capacity",
    ]
    .contains(&name)
}

/// Why a parameter of libpq that would change how a server is entered is not taken (PostgreSQL documentation, "Parameter Key Words"): what it
/// asks for is not done, and silence would say that it is.
fn refused(name: &str, value: &str) -> Option<&'static str> {
    Some(match name {
        "hostaddr" => {
            "dbctl connects to what `host` names: write the address there (with sslmode=verify-full the server's certificate must be for it), or give \
             the name an entry in /etc/hosts"
        }
        "service" | "servicefile" => {
            "dbctl reads no service file (pg_service.conf): write its host, port, dbname and user into the URL"
        }
        "require_auth" => {
            "dbctl answers whichever of scram-sha-256, md5, password and certificates the server asks for: take it out, and demand the method in the \
             server's pg_hba.conf; channel_binding=require lets no other than scram-sha-256 over TLS pass"
        }
        "requirepeer" => {
            "dbctl does not ask who owns the server's process: take it out, and use a socket directory that only the server's user may write to"
        }
        "sslcrl" | "sslcrldir" => {
            "dbctl reads no lists of revoked certificates: take it out, and where a server's certificate was revoked, give sslrootcert an authority \
             that has not signed it"
        }
        "sslpassword" => {
            "dbctl reads no encrypted private key: write one without a password, closed to others, and name it with sslkey"
        }
        "ssl_min_protocol_version" if ["TLSv1", "TLSv1.1", "TLSv1.2"].contains(&value) => {
            return None;
        }
        "ssl_max_protocol_version" if value == "TLSv1.3" => return None,
        "ssl_min_protocol_version" | "ssl_max_protocol_version" => {
            "dbctl speaks TLS 1.2 and 1.3, whichever the server prefers: take it out, and set ssl_min_protocol_version in the server"
        }
        "sslcertmode" if value == "allow" => return None,
        "sslcertmode" => {
            "dbctl shows its certificate to a server that asks for one and demands nothing: take it out; without sslcert (and \
             ~/.postgresql/postgresql.crt) it has none to show"
        }
        "sslsni" if value == "1" => return None,
        "sslsni" => "dbctl tells the server's name in the handshake of TLS: take it out",
        "krbsrvname" | "gsslib" | "gssdelegation" => {
            "dbctl has no GSSAPI: take it out, and use a password or a certificate"
        }
        "oauth_issuer" | "oauth_client_id" | "oauth_client_secret" | "oauth_scope" => {
            "dbctl has no OAuth: take it out, and use a password or a certificate"
        }
        "scram_client_key" | "scram_server_key" => {
            "dbctl has no pass-through of SCRAM keys: take it out, and give the password"
        }
        "min_protocol_version" if value == "3.0" => return None,
        "min_protocol_version" => "dbctl speaks version 3.0 of the protocol: take it out",
        "replication" => "dbctl opens no replication connection: take it out",
        _ => return None,
    })
}

/// A word of the server's command line (PostgreSQL documentation, "Connection Settings": a backslash stands before spaces and backslashes).
fn escaped(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c == '\\' {
            word.push('\\');
        }
        word.push(c);
    }
    word
}
