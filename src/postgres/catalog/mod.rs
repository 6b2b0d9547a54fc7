//! Fills a [`Snapshot`] from PostgreSQL's catalog: a handful of queries, whatever the size of the schema.
//!
//! Works on PostgreSQL 14 and newer for a role that has no more than CONNECT; what such a role may not read becomes a
//! [`Fact::Unknown`], unless the superuser's session that may come along can read it. The first query says what there is
//! (`inventory.sql`) and tells chunks from tables by TimescaleDB's own catalog; the others are asked about the remaining relations
//! only, so that chunks cost nearly nothing, and are not sent where they can have no answer.

mod access;
mod chunks;
pub(super) mod conninfo;
mod guarded;
mod inventory;
mod links;
mod objects;
mod privileges;
mod row;
mod session;
mod state;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Error};

use crate::snapshot::{
    CommonContent, Fact, Gap, Identity, Object, Outside, Server, Snapshot, State,
};
use chunks::Look;
use inventory::{Inventory, Touched};
pub use links::cron_jobs_elsewhere;
use session::Session;

/// A session and what is known about it.
struct Reader<'a> {
    /// The connection.
    client: &'a Client,
    /// Its role, and what this role may read.
    session: Session,
}

impl<'a> Reader<'a> {
    async fn new(client: &'a Client) -> Result<Self, Error> {
        let session = Session::read(client).await?;
        Ok(Self { client, session })
    }
}

/// The sessions there are: the service's own, and perhaps a superuser's in the same database.
struct Readers<'a> {
    own: Reader<'a>,
    admin: Option<Reader<'a>>,
    look: OnceCell<Look>,
}

impl<'a> Readers<'a> {
    async fn new(client: &'a Client, admin: Option<&'a Client>) -> Result<Self, Error> {
        Ok(Self {
            own: Reader::new(client).await?,
            admin: match admin {
                Some(admin) => Some(Reader::new(admin).await?),
                None => None,
            },
            look: OnceCell::new(),
        })
    }

    /// What a look at all chunks says: the first who asks has it done, the others wait for it.
    async fn look(&self) -> Result<&Look, Error> {
        let look = async || Look::read(self.own.client, &self.own.session).await;
        self.look.get_or_try_init(look).await
    }

    async fn snapshot(&self) -> Result<Snapshot, Error> {
        let session = &self.own.session;
        let there = Inventory::read(self.own.client, session, self.look().await?).await?;
        let read = objects::read(self, &there).await?;
        let links = links::read(self).await?;
        Ok(Snapshot {
            server: Server {
                version_num: session.version_num,
                version: session.version.clone(),
                standby: session.standby,
                timescaledb: session.timescaledb.clone(),
                timescaledb_license: session.timescaledb_license.clone(),
            },
            identity: Identity {
                database: session.database.clone(),
                session_user: session.session_user.clone(),
                current_user: session.current_user.clone(),
                system_identifier: guarded::system_identifier(self).await?,
                database_oid: session.database_oid,
                stamp: guarded::stamp(self).await?,
                marked: session.marked.clone(),
            },
            objects: read.objects,
            shut: read.shut,
            history: guarded::history(self).await?,
            access: access::read(self).await?,
            privileges: privileges::read(self, &read.relations, &there).await?,
            state: State {
                books: read.books,
                moved: there.moved,
                updated: there.updated,
                ..State::default()
            },
            links,
        })
    }

    /// The first session that may read a fact.
    fn allowed(&self, may: impl Fn(&Session) -> bool) -> Option<&'a Client> {
        std::iter::once(&self.own)
            .chain(&self.admin)
            .find(|reader| may(&reader.session))
            .map(|reader| reader.client)
    }

    /// The session that sees most: where a view hides details rather than refuse them.
    fn widest(&self) -> &'a Client {
        self.admin.as_ref().unwrap_or(&self.own).client
    }
}

/// Reads everything that dbctl knows about a database.
///
/// `client`, and `admin` if there is one (a superuser's session in the same database, for the facts that the service's role may
/// not read), are in a `REPEATABLE READ READ ONLY` transaction with `search_path = pg_catalog` and `jit = off`.
///
/// # Errors
/// When the connection breaks or the server refuses a query that every role may make.
pub async fn read(client: &Client, admin: Option<&Client>) -> Result<Snapshot, Error> {
    let readers = Readers::new(client, admin).await?;
    // Whoever wants no state has everything asked at once.
    let readers = Readers {
        look: OnceCell::new_with(Some(Look::NONE)),
        ..readers
    };
    readers.snapshot().await
}

/// Reads the same and what else `verify` wants to know. `names` are those of the system's locks.
///
/// # Errors
/// As for [`read`].
pub async fn read_with_state(
    client: &Client,
    admin: Option<&Client>,
    names: &[String],
) -> Result<Snapshot, Error> {
    let readers = Readers::new(client, admin).await?;
    let mut snapshot = readers.snapshot().await?;
    snapshot.state = State {
        books: snapshot.state.books,
        moved: snapshot.state.moved,
        updated: snapshot.state.updated,
        ..state::read(&readers, names).await?
    };
    Ok(snapshot)
}

/// Reads the large objects, which are data and not part of a schema.
///
/// # Errors
/// When the connection breaks or the server refuses a query that every role may make.
pub async fn read_large_objects(client: &Client) -> Result<Vec<Object>, Error> {
    objects::large(client).await
}

/// Reads what an administrator sees of a database from another one of its server.
///
/// # Errors
/// When the connection breaks or the server refuses a query that every role may make.
pub async fn outside(client: &Client, database: &str) -> Result<Outside, Error> {
    privileges::outside(client, database).await
}

/// Reads what somebody left in a database that belongs to no service, in a transaction as for [`read`].
///
/// # Errors
/// When the connection breaks or the server refuses a query that every role may make.
pub async fn read_common(client: &Client) -> Result<CommonContent, Error> {
    let Touched { touched, noted } = inventory::touched(client).await?;
    let (anything, system, notes, content) = futures::try_join!(
        async {
            match touched {
                true => inventory::has_anything(client).await,
                false => Ok(false),
            }
        },
        async {
            match touched {
                true => state::system_changed(client).await,
                false => Ok(Vec::new()),
            }
        },
        async {
            match noted {
                true => inventory::notes(client).await,
                false => Ok(Vec::new()),
            }
        },
        privileges::read_common(client, touched),
    )?;
    let content = CommonContent {
        system,
        notes,
        ..content
    };
    if !anything {
        return Ok(content);
    }
    let readers = Readers::new(client, None).await?;
    let there = Inventory::read(client, &readers.own.session, &Look::NONE).await?;
    let mut objects = objects::read(&readers, &there).await?.objects;
    objects.extend(objects::large(client).await?);
    Ok(CommonContent { objects, ..content })
}

/// A fact that no session may read: the server's words, and what would help.
fn denied<T>(reason: impl Into<String>, grants: &str) -> Fact<T> {
    Fact::Unknown(Gap {
        reason: reason.into(),
        remedy: Some(format!("{grants}{}", Gap::OR_ADMIN)),
    })
}
