//! Standbys: what to say of one, and where its primary is.

use tokio_postgres::Error;

use super::catalog::conninfo::Source;
use super::connect::connect;
use super::session::{Purpose, Session};
use crate::manifest::{DEFAULT_PORT, Endpoint, Host, SessionAttrs};

/// Host and port of the primary that the session's server follows. `None` when the server is no standby, or the role may not know:
/// it takes `pg_read_all_stats` or `pg_read_all_settings` (PostgreSQL documentation, "pg_stat_wal_receiver", "primary_conninfo").
///
/// # Errors
/// When the query fails.
pub async fn standby_of(session: &Session) -> Result<Option<String>, Error> {
    session.begin_reading().await?;
    // A role without the right sees neither the columns nor the setting, and no error.
    let row = session
        .client
        .query_typed_opt(
            "SELECT r.sender_host, r.sender_port, \
             (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'primary_conninfo') \
             FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_stat_wal_receiver r ON true \
             WHERE pg_catalog.pg_is_in_recovery()",
            &[],
        )
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let (host, port): (Option<String>, Option<i32>) = (row.try_get(0)?, row.try_get(1)?);
    if let Some(name) = host {
        let port = port.and_then(|port| u16::try_from(port).ok());
        let port = port.unwrap_or(DEFAULT_PORT);
        return Ok(Some(Host { name, port }.address()));
    }
    // It holds a password: only host and port are taken out of it.
    let source = Source::of(row.try_get::<_, Option<&str>>(2)?.unwrap_or_default());
    Ok(source.host.map(|name| match source.port {
        Some(port) => format!("{name}:{port}"),
        None => name,
    }))
}

/// What a command that writes says of a session through which it will not be able to write: the whole sentence. That is one which a
/// pooler leads elsewhere, and one at a standby, with the primary where the role or the administrator may know it. `admin` is asked only
/// when it leads to the same hosts.
///
/// # Errors
/// When a query of the session fails.
pub async fn refusal(
    session: &Session,
    endpoint: &Endpoint,
    admin: Option<&Endpoint>,
) -> Result<Option<String>, Error> {
    if let Some(misled) = session.misled() {
        return Ok(Some(format!("{}: {misled}", endpoint.display())));
    }
    if !session.standby() {
        return Ok(None);
    }
    let mut primary = standby_of(session).await?;
    if let Some(admin) = admin.filter(|admin| primary.is_none() && admin.hosts == endpoint.hosts) {
        primary = asked(admin).await;
    }
    Ok(Some(format!(
        "{}: {}",
        endpoint.display(),
        words(primary.as_deref())
    )))
}

/// The session, or, where it is at a standby and the endpoint has other hosts, one at the primary among them: a command that writes
/// looks where it will write.
pub async fn or_primary(session: Session, endpoint: &Endpoint, application: &str) -> Session {
    let alone = endpoint.hosts.len() == 1 || endpoint.session_attrs != SessionAttrs::Any;
    if !session.standby() || alone {
        return session;
    }
    let endpoint = Endpoint {
        session_attrs: SessionAttrs::Primary,
        ..endpoint.clone()
    };
    match connect(&endpoint, Purpose::Read, application).await {
        Ok(primary) => {
            session.close().await;
            primary
        }
        // Then there is the standby alone, and that is told.
        Err(_) => session,
    }
}

/// What an administrator knows. One who cannot get in knows nothing, which the sentence about the standby can do without.
async fn asked(admin: &Endpoint) -> Option<String> {
    let session = connect(admin, Purpose::Read, "dbctl").await.ok()?;
    let primary = standby_of(&session).await;
    session.close().await;
    primary.ok().flatten()
}

/// What is said of a standby, and what to do.
pub(super) fn words(primary: Option<&str>) -> String {
    let follows = primary.map_or_else(String::new, |primary| {
        format!("; the standby follows {primary}")
    });
    format!("the server is a standby, which takes no writes: give the URL of its primary{follows}")
}
