//! A second session of the service's role, which looks at all chunks while the first one reads everything else.

use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::super::connect::Connecting;
use super::super::session::{Purpose, Session};
use super::Reader;
use super::chunks::Look;
use crate::manifest::Endpoint;

/// From how many pages of TimescaleDB's list of chunks on a second session is worth its log-in: some 2,500 chunks.
const MANY: i32 = 64;

/// Where a second session may be opened beside the first one.
pub struct Beside<'a> {
    endpoint: &'a Endpoint,
    application: &'a str,
    pid: i32,
}

impl<'a> Beside<'a> {
    /// Beside this session, which has this application name. `None` where a second one may end up somewhere else, or cost somebody a place.
    #[must_use]
    pub(in crate::postgres) fn new(
        session: &Session,
        endpoint: &'a Endpoint,
        application: &'a str,
    ) -> Option<Self> {
        (!session.pooled() && endpoint.hosts.len() == 1).then_some(Self {
            endpoint,
            application,
            pid: session.pid(),
        })
    }

    /// The look. `None` when there are too few chunks, when no second session is to be had, or when it could not look: whoever asks
    /// looks with the first session then.
    pub(super) async fn look(&self, own: &Reader<'_>) -> Option<Look> {
        if own.session.chunk_pages < MANY {
            return None;
        }
        let connecting = Connecting::begin(
            self.endpoint,
            Purpose::Read,
            self.application,
            Duration::ZERO,
        );
        let session = connecting.session().await.ok()?;
        let look = self.look_with(&session, own).await;
        session.close().await;
        look.ok().flatten()
    }

    async fn look_with(&self, session: &Session, own: &Reader<'_>) -> Result<Option<Look>, Error> {
        session.begin_snapshot().await?;
        match self.is_beside(session).await? {
            true => Look::read(&session.client, &own.session).await.map(Some),
            false => Ok(None),
        }
    }

    /// Whether this session sees the first one in its own database: a name can have addresses on several servers.
    async fn is_beside(&self, session: &Session) -> Result<bool, Error> {
        session
            .client
            .query_typed_one(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND datname = current_database() AND usename = session_user \
                 AND application_name = current_setting('application_name') AND pid <> pg_backend_pid())",
                &[(&self.pid, Type::INT4)],
            )
            .await?
            .try_get(0)
    }
}
