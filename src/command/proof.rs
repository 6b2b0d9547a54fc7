//! What `verify` tries: whether two services' sessions are in one database, whether one gets into another's, what each host of a URL is.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::join_all;

use super::Loaded;
use crate::manifest::{Endpoint, Service, Target};
use crate::postgres::{Session, proof};
use crate::sandbox::random_password;
use crate::secret::Secret;
use crate::snapshot::{Attempted, Credentials, Entry, Fact, Gap, HostLook, Live, Proofs};

/// How many log-ins are tried at once.
const AT_ONCE: usize = 8;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How long all attempts of a run may take together.
const ALL: Duration = Duration::from_secs(60);

/// Lets every session hold a lock and look for those of the others. In the order of the sessions; `None` where one could not look.
pub(super) async fn live(sessions: &[(&str, Option<&Session>)]) -> Vec<Option<Live>> {
    // pg_locks shows the number unsigned.
    let run: i32 = rand::random_range(1..=i32::MAX);
    let holding = sessions
        .iter()
        .zip(0_i32..)
        .map(|((_, session), number)| async move {
            let session = (*session)?;
            bounded(proof::hold(session, run, number)).await
        });
    let holds = join_all(holding).await;
    let looking =
        sessions
            .iter()
            .zip(&holds)
            .zip(0_i32..)
            .map(|(((_, session), held), number)| async move {
                let (session, held) = ((*session)?, (*held)?);
                let seen = bounded(proof::held(session, run)).await?;
                // Who does not see its own lock sees nobody's.
                if held && !seen.iter().any(|(seen, here)| *seen == number && *here) {
                    return None;
                }
                let mut live = Live {
                    held,
                    ..Live::default()
                };
                for (other, here) in seen.into_iter().filter(|(other, _)| *other != number) {
                    let name = usize::try_from(other).ok().and_then(|at| sessions.get(at));
                    let list = if here {
                        &mut live.same_database
                    } else {
                        &mut live.same_cluster
                    };
                    list.extend(name.map(|(name, _)| (*name).to_owned()));
                }
                Some(live)
            });
    let seen = join_all(looking).await;
    join_all(
        sessions
            .iter()
            .filter_map(|(_, session)| *session)
            .map(|session| async move {
                // A session that does not answer any more is closed in a moment.
                let _: Option<()> = bounded(proof::let_go(session)).await;
            }),
    )
    .await;
    seen
}

/// What came of it in time.
async fn bounded<T, E>(work: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(ATTEMPT, work).await.ok()?.ok()
}

/// One log-in to be tried.
struct Try<'a> {
    /// Where in the list of services the database is.
    at: usize,
    service: &'a str,
    with: Credentials,
    endpoint: Endpoint,
}

/// What a service's own session says of its door. One for each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Nobody answers, or nobody asked.
    Silent,
    /// The server answers, be it with a refusal.
    Answers,
    /// It let the service in after proof that it stores the service's own password (SCRAM), so that it takes no other for this role.
    Proved,
}

/// Tries every other service's credentials at every chosen database that answers, each pair once.
pub(super) async fn entries(loaded: &Loaded<'_>, doors: &[Door]) -> Vec<Fact<Vec<Entry>>> {
    let begun = Instant::now();
    let tries = tries(loaded, doors);
    let outcomes: Vec<(usize, Entry)> = futures::stream::iter(tries)
        .map(|attempt| async move {
            let left = ALL.saturating_sub(begun.elapsed());
            let outcome = if left.is_zero() {
                Attempted::Unknown(Gap::new(format!(
                    "not tried: the attempts of this run have taken {} s already",
                    ALL.as_secs()
                )))
            } else {
                outcome(&attempt, left.min(ATTEMPT)).await
            };
            let entry = Entry {
                service: attempt.service.to_owned(),
                role: attempt.endpoint.user.clone(),
                with: attempt.with,
                outcome,
            };
            (attempt.at, entry)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut entries: Vec<Vec<Entry>> = loaded.services.iter().map(|_| Vec::new()).collect();
    for (at, entry) in outcomes {
        if let Some(list) = entries.get_mut(at) {
            list.push(entry);
        }
    }
    entries.into_iter().map(Fact::Known).collect()
}

fn tries<'a>(loaded: &'a Loaded<'_>, doors: &[Door]) -> Vec<Try<'a>> {
    let (mut tries, mut passwords) = (Vec::new(), Vec::new());
    for (at, target) in loaded.services.iter().enumerate() {
        let is_chosen = loaded.chosen.contains(&target.service.name.as_str());
        let door = doors.get(at).copied().unwrap_or(Door::Silent);
        let Some(theirs) = target
            .service
            .endpoint()
            .filter(|_| is_chosen && door != Door::Silent)
        else {
            continue;
        };
        for other in &loaded.services {
            let Some(ours) = other
                .service
                .endpoint()
                .filter(|_| other.service.name != target.service.name)
            else {
                continue;
            };
            let password = password(ours);
            let endpoint = |user: &str| Endpoint {
                user: user.to_owned(),
                password: password.clone(),
                // Nothing of this database's own credentials or options goes along.
                password_file: None,
                options: None,
                connect_timeout: Some(ATTEMPT),
                ..theirs.clone()
            };
            // A role for looking alone is no service's credentials: its own verdict says that they were not tried.
            if other.service.role_name() != Some(ours.user.as_str()) {
                continue;
            }
            let same_place = ours.hosts == theirs.hosts && ours.database == theirs.database;
            if !same_place {
                tries.push(Try {
                    at,
                    service: &other.service.name,
                    with: Credentials::Own,
                    endpoint: endpoint(&ours.user),
                });
            }
            // Equal passwords in the manifest need no proof, and equal roles were tried above. Where the server has proved that it
            // stores another password, it has refused this one already.
            let own = self::password(theirs);
            if let Some(password) = &password
                && own.as_ref() != Some(password)
                && !(door == Door::Proved && own.is_some_and(|own| differ(&own, password)))
                && ours.user != theirs.user
            {
                passwords.push(Try {
                    at,
                    service: &other.service.name,
                    with: Credentials::Password,
                    endpoint: endpoint(&theirs.user),
                });
            }
        }
    }
    // The keys that a password is stretched to are kept for a while (postgres/scram): each service's own log-ins one after the other.
    tries.append(&mut passwords);
    tries
}

/// Whether no server can take one of these passwords for the other. SCRAM compares them prepared by SASLprep, which leaves ASCII as it is
/// (RFC 4013; PostgreSQL documentation, "SASL Authentication").
fn differ(one: &Secret, other: &Secret) -> bool {
    let are_plain = one.expose().is_ascii() && other.expose().is_ascii();
    are_plain && one != other
}

/// The password that the first host is entered with.
fn password(endpoint: &Endpoint) -> Option<Secret> {
    endpoint.password_for(endpoint.hosts.first()?).cloned()
}

async fn outcome(attempt: &Try<'_>, limit: Duration) -> Attempted {
    let outcome = proof::enter(&attempt.endpoint, limit).await;
    if outcome != Attempted::Entered {
        return outcome;
    }
    // Where nobody asks for a password, one that opens the door proves nothing about it.
    let any = Endpoint {
        password: Some(random_password()),
        ..attempt.endpoint.clone()
    };
    match proof::enter(&any, limit).await {
        Attempted::Entered => Attempted::EnteredUnasked,
        _ => Attempted::Entered,
    }
}

/// Looks at every host of a URL with several.
pub(super) async fn hosts(service: &Service) -> Vec<HostLook> {
    let Target::Database(endpoint) = &service.target else {
        return Vec::new();
    };
    let endpoint = &endpoint.value;
    if endpoint.hosts.len() < 2 {
        return Vec::new();
    }
    join_all(endpoint.hosts.iter().map(|host| async move {
        HostLook {
            address: host.address(),
            place: proof::host(endpoint, host, ATTEMPT).await,
        }
    }))
    .await
}

/// The gap of a run that tries no log-ins.
pub(super) fn switched_off(by: &str) -> Proofs {
    Proofs {
        entries: Fact::Unknown(Gap {
            reason: format!("no log-in was tried ({by})"),
            remedy: Some("run dbctl verify without it, or accept the gap with an [[allow]] entry (not_checked = true)".to_owned()),
        }),
        ..Proofs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::differ;
    use crate::secret::Secret;

    #[test]
    fn passwords_that_sasl_may_take_for_one_do_not_differ() {
        for (one, other, expected) in [
            ("secret", "secret", false),
            ("secret", "Secret", true),
            // SASLprep makes "a" of U+00AA, and a blank of a no-break space.
            ("\u{aa}", "a", false),
            ("a\u{a0}b", "a b", false),
        ] {
            let (one, other) = (Secret::new(one), Secret::new(other));
            assert_eq!(differ(&one, &other), expected);
            assert_eq!(differ(&other, &one), expected);
        }
    }
}
