//! The way to a session: every host and every address of it in turn, again while the server starts.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::attempt::{Address, Attempt, Failure};
use super::error::{CHECK_ADDRESS, ConnectError, Reason};
use super::session::{Purpose, Session};
use super::tls;
use crate::manifest::{Endpoint, Host, SessionAttrs};

/// How long one address may take where the endpoint does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server that says it is starting is waited for.
const STARTING: Duration = Duration::from_secs(30);

/// The first pause between two rounds; each one is longer, up to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Connects and sets the session up. A server that is starting is waited for, up to 30 s.
///
/// # Errors
/// When no host lets it in, or the server is older than PostgreSQL 14. The message never holds the password.
pub async fn connect(
    endpoint: &Endpoint,
    purpose: Purpose,
    application: &str,
) -> Result<Session, ConnectError> {
    connect_patiently(endpoint, purpose, application, Duration::ZERO).await
}

/// As [`connect`], but also waits up to `limit` for a server that does not answer at all. Nothing blocks: whoever drops the future
/// ends the wait.
///
/// # Errors
/// As [`connect`], with how long it waited.
pub async fn connect_patiently(
    endpoint: &Endpoint,
    purpose: Purpose,
    application: &str,
    limit: Duration,
) -> Result<Session, ConnectError> {
    Connecting::begin(endpoint, purpose, application, limit)
        .session()
        .await
}

/// A session that a task of its own opens: a log-in with SCRAM keeps a core busy for milliseconds, and where the runtime has several
/// threads, many log-ins share the cores. Whoever drops it ends the attempt.
pub struct Connecting {
    task: JoinHandle<Result<Session, ConnectError>>,
    endpoint: String,
}

impl Connecting {
    /// Begins to connect, as [`connect_patiently`].
    pub fn begin(
        endpoint: &Endpoint,
        purpose: Purpose,
        application: &str,
        limit: Duration,
    ) -> Self {
        let display = endpoint.display().to_string();
        let (endpoint, application) = (endpoint.clone(), application.to_owned());
        let task =
            tokio::spawn(async move { patiently(&endpoint, purpose, &application, limit).await });
        Self {
            task,
            endpoint: display,
        }
    }

    /// The session, as soon as it is there.
    ///
    /// # Errors
    /// As [`connect_patiently`].
    pub async fn session(mut self) -> Result<Session, ConnectError> {
        (&mut self.task).await.unwrap_or_else(|error| {
            // Nobody else ends the task, so it is the runtime that does.
            let text = format!("{}: connecting was ended: {error}", self.endpoint);
            Err(ConnectError::new(Reason::Unreachable, text, ""))
        })
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn patiently(
    endpoint: &Endpoint,
    purpose: Purpose,
    application: &str,
    limit: Duration,
) -> Result<Session, ConnectError> {
    let begun = Instant::now();
    let (mut pause, longest) = PAUSES;
    loop {
        let error = match all_hosts(endpoint, purpose, application).await {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        let limit = match error.reason {
            Reason::Starting => limit.max(STARTING),
            Reason::Unreachable => limit,
            _ => return Err(error),
        };
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(if limit.is_zero() {
                error
            } else {
                error.after(begun.elapsed())
            });
        }
        tokio::time::sleep(jitter(pause).min(left)).await;
        pause = (pause * 2).min(longest);
    }
}

/// Tries the hosts in order, as libpq does (PostgreSQL documentation, "Specifying Multiple Hosts").
async fn all_hosts(
    endpoint: &Endpoint,
    purpose: Purpose,
    application: &str,
) -> Result<Session, ConnectError> {
    let fail = |reason, text: &str, advice: &str| {
        ConnectError::new(reason, format!("{}: {text}", endpoint.display()), advice)
    };
    let attrs = endpoint.session_attrs;
    if purpose == Purpose::Write && !may_write(attrs) {
        return Err(fail(
            Reason::Refused,
            &format!(
                "target_session_attrs={} asks for a server that takes no writes, and this command writes",
                attrs.as_str()
            ),
            "give a URL with target_session_attrs=primary, or without it",
        ));
    }
    let tls = tls::connector(endpoint).map_err(|message| fail(Reason::Tls, &message, ""))?;
    // libpq looks for a standby first, and then takes whatever there is.
    let rounds: &[SessionAttrs] = match attrs {
        SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
        SessionAttrs::Any => &[SessionAttrs::Any],
        SessionAttrs::ReadWrite => &[SessionAttrs::ReadWrite],
        SessionAttrs::ReadOnly => &[SessionAttrs::ReadOnly],
        SessionAttrs::Primary => &[SessionAttrs::Primary],
        SessionAttrs::Standby => &[SessionAttrs::Standby],
    };
    let mut failures: Vec<Failure> = Vec::new();
    for attrs in rounds {
        if failures.last().is_some_and(Failure::is_final) {
            break;
        }
        failures.clear();
        let attempt = Attempt {
            endpoint,
            purpose,
            application,
            attrs: *attrs,
            tls: &tls,
            limit: endpoint.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
        };
        for host in &endpoint.hosts {
            match one_host(&attempt, host).await {
                Ok(session) => return Ok(session),
                Err(mut failed) => failures.append(&mut failed),
            }
            if failures.last().is_some_and(Failure::is_final) {
                break;
            }
        }
    }
    Err(told(endpoint, &failures))
}

/// Whether a server of this kind can be written to.
const fn may_write(attrs: SessionAttrs) -> bool {
    matches!(
        attrs,
        SessionAttrs::Any | SessionAttrs::ReadWrite | SessionAttrs::Primary
    )
}

/// Tries every address of one host. Where all of them failed alike, it is said once.
async fn one_host(attempt: &Attempt<'_>, host: &Host) -> Result<Session, Vec<Failure>> {
    let addresses = match addresses(host, attempt.limit).await {
        Ok(addresses) => addresses,
        Err(text) => {
            return Err(vec![Failure::new(
                host.address(),
                Reason::Unreachable,
                text,
            )]);
        }
    };
    let several = addresses.len() > 1;
    let mut failures: Vec<Failure> = Vec::new();
    for address in addresses {
        let place = match address {
            Address::Ip(found) if several => format!("{} ({})", host.address(), found.ip()),
            Address::Ip(_) | Address::Socket => host.address(),
        };
        match attempt.run(host, address, place).await {
            Ok(session) => return Ok(session),
            Err(failure) => failures.push(failure),
        }
        if failures.last().is_some_and(Failure::is_final) {
            break;
        }
    }
    if let [first, rest @ ..] = failures.as_mut_slice()
        && rest.iter().all(|failure| failure.text == first.text)
    {
        first.place = host.address();
        failures.truncate(1);
    }
    Err(failures)
}

/// The addresses of a host, in the resolver's order, each once.
async fn addresses(host: &Host, limit: Duration) -> Result<Vec<Address>, String> {
    if host.is_socket() {
        return Ok(vec![Address::Socket]);
    }
    let looking = tokio::net::lookup_host((host.name.as_str(), host.port));
    let found = tokio::time::timeout(limit, looking)
        .await
        .map_err(|_| format!("no answer about this name within {} s", limit.as_secs()))?
        .map_err(|error| format!("this name has no address: {error}"))?;
    let mut addresses = Vec::new();
    for address in found {
        let address = Address::Ip(address);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err("this name has no address".to_owned());
    }
    Ok(addresses)
}

/// One error for all that was tried: where there were several places, each with what happened there.
fn told(endpoint: &Endpoint, failures: &[Failure]) -> ConnectError {
    let decisive = failures
        .last()
        .filter(|last| last.is_final())
        .or_else(|| failures.iter().max_by_key(|failure| weight(failure.reason)));
    let text = match failures {
        [only] if endpoint.hosts.len() == 1 => only.text.clone(),
        _ => {
            let all: Vec<String> = failures
                .iter()
                .map(|failure| format!("{}: {}", failure.place, failure.text))
                .collect();
            all.join("; ")
        }
    };
    let (reason, advice) = decisive.map_or((Reason::Unreachable, CHECK_ADDRESS), |failure| {
        (failure.reason, failure.advice.as_str())
    });
    ConnectError::new(reason, format!("{}: {text}", endpoint.display()), advice)
}

/// How much the failure of one host says about what to do: a server that is starting may yet be the right one.
const fn weight(reason: Reason) -> u8 {
    match reason {
        Reason::Starting => 3,
        Reason::LogIn | Reason::NoDatabase | Reason::NoConnect | Reason::Tls | Reason::TooOld => 2,
        Reason::Unreachable => 1,
        Reason::Refused | Reason::NoEntry => 0,
    }
}

/// A pause of 50 to 150 % of this one, so that many clients do not ask in step.
fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..1.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_local_to_a_link_keeps_its_zone() {
        let host = Host {
            name: "fe80::1%lo".to_owned(),
            port: 5432,
        };
        let found = addresses(&host, CONNECT_TIMEOUT).await;
        assert!(
            matches!(found.as_deref(), Ok([Address::Ip(std::net::SocketAddr::V6(six))]) if six.scope_id() != 0),
            "{found:?}"
        );
    }
}
