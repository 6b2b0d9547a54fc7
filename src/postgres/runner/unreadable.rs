//! What the server's own parser says of files that are still to be applied, before the first of them is.

use std::collections::BTreeSet;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::super::error::told;
use super::super::session::Session;
use super::failure::{lines, place};
use crate::migration::masked::server_words;
use crate::migration::{Migration, Mode, Statement, statements};

/// What ends the text before any of it runs. The server reads the whole text first (`SPI_execute`; PostgreSQL documentation, "Multiple
/// Statements in a Simple Query", says the same of a message), and what fails within the block below is in nobody's log.
// Named with its schema: a search_path could put another operator before the server's.
const STOP: &str = "SELECT 1 OPERATOR(pg_catalog./) 0;";

/// How many bytes are read at once: what is asked stays in the session's memory as long as its transaction.
const AT_ONCE: usize = 1 << 20;

/// Why the server cannot read one of these files, which nobody has begun to apply: file, line, statement and the server's words. Nothing
/// of them is run. What cannot be asked (PL/pgSQL is not the role's to use) is not judged.
///
/// # Errors
/// When the connection breaks.
pub async fn unreadable(session: &Session, files: &[Migration]) -> Result<Option<String>, Error> {
    let mut rest = files;
    while !rest.is_empty() {
        let (mut count, mut bytes) = (0, 0);
        for file in rest {
            bytes += file.sql.len();
            if count > 0 && bytes > AT_ONCE {
                break;
            }
            count += 1;
        }
        let (together, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        rest = after;
        // Its last line may be a comment.
        let texts: Vec<&str> = together.iter().map(|file| file.sql.as_str()).collect();
        if read(session, &texts.join("\n;")).await?.is_none() {
            continue;
        }
        for file in together {
            if let Some(complaint) = read(session, &file.sql).await? {
                return Ok(Some(sentence(session, file, complaint).await?));
            }
        }
    }
    Ok(None)
}

/// What the parser has against a text.
struct Complaint {
    /// Message and SQLSTATE.
    told: String,
    /// Where, in characters counted from 1, if it says so.
    position: Option<usize>,
}

/// Has a text read. One that is not judged has nothing against it.
async fn read(session: &Session, sql: &str) -> Result<Option<Complaint>, Error> {
    session.begin_reading().await?;
    // Not as an argument of DO, which takes none, nor within its body: statistics keep that as it is.
    let text = postgres_protocol::escape::escape_literal(&format!("{STOP}{sql}\n;"));
    let asked = format!(
        "SELECT pg_catalog.set_config('exit_on_error', 'off', true), pg_catalog.set_config('dbctl.sql', {text}, true); \
         DO $$ BEGIN EXECUTE pg_catalog.current_setting('dbctl.sql'); EXCEPTION WHEN division_by_zero THEN NULL; END $$"
    );
    let error = match session.client.batch_execute(&asked).await {
        Ok(()) => return Ok(None),
        Err(error) => error,
    };
    let Some(db) = error.as_db_error() else {
        return Err(error);
    };
    session.begin_reading().await?;
    Ok(complaint(db))
}

fn complaint(db: &DbError) -> Option<Complaint> {
    let position = match db.position() {
        // Within what EXECUTE was given, and nothing of it has run.
        Some(ErrorPosition::Internal { position, .. }) => usize::try_from(*position).ok(),
        _ => None,
    };
    // A character that the database's encoding lacks never arrives, neither here nor when the file is applied.
    let arrived = *db.code() != SqlState::UNTRANSLATABLE_CHARACTER;
    if position.is_none() && arrived {
        return None;
    }
    Some(Complaint {
        told: told(db, false),
        position: position.and_then(|position| position.checked_sub(STOP.len())),
    })
}

/// The message about a file, as that of a migration that has failed.
async fn sentence(
    session: &Session,
    file: &Migration,
    complaint: Complaint,
) -> Result<String, Error> {
    let all = statements(&file.sql);
    let position = match complaint.position {
        None => lacking(session, &file.sql).await?,
        position => position,
    };
    // Places are those in the whole file, however it is run.
    let mut whole = file.clone();
    whole.mode = Mode::Transaction;
    let begins = |one: &Statement<'_>| {
        let before = file.sql.get(..one.at).unwrap_or_default();
        position.is_some_and(|position| before.chars().count() < position)
    };
    let statement = all.iter().take_while(|one| begins(one)).last();
    let said = statement.map_or_else(
        || complaint.told.clone(),
        |statement| server_words(&complaint.told, statement.text),
    );
    let ends = |one: &&Statement<'_>| {
        let text = file.sql.get(..one.at + one.text.len()).unwrap_or_default();
        position.is_some_and(|position| position <= text.chars().count())
    };
    let place = match (position, statement.filter(ends)) {
        (Some(_), Some(_)) => place(&whole, 0, position),
        // What ends the file's last statement too early, or a character between two statements.
        (Some(position), None) if complaint.position.is_none() => {
            format!(
                "{}, line {} (in a comment)",
                file.file,
                1 + lines(&file.sql, position)
            )
        }
        (Some(_), None) => place(&whole, 0, position),
        (None, _) => file.file.clone(),
    };
    Ok(format!(
        "{place}: {said}; nothing was changed: the server reads every pending file before the first is applied"
    ))
}

/// Where the first character stands that the database's encoding lacks, counted from 1. Within a comment it never arrives either.
async fn lacking(session: &Session, sql: &str) -> Result<Option<usize>, Error> {
    let mut seen = BTreeSet::new();
    let others: Vec<(usize, char)> = sql
        .chars()
        .enumerate()
        .filter(|(_, c)| !c.is_ascii() && seen.insert(*c))
        .collect();
    // The first so many arrive, and with the next one they do not.
    let (mut arrive, mut fail) = (0, others.len());
    while arrive < fail {
        let half = arrive + (fail - arrive) / 2;
        let tried: String = others.iter().take(half + 1).map(|(_, c)| *c).collect();
        match read(session, &format!("-- {tried}")).await? {
            None => arrive = half + 1,
            Some(_) => fail = half,
        }
    }
    Ok(others.get(arrive).map(|(at, _)| at + 1))
}
