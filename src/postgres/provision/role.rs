//! The service's role and its password.

use postgres_protocol::escape::{escape_identifier as identifier, escape_literal as literal};
use postgres_protocol::password::scram_sha_256;

use super::super::scram;
use super::super::session::Session;
use super::{ProvisionError, Step, Wanted, execute, failed};
use crate::secret::Secret;

pub(super) async fn role(
    session: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let name = identifier(&wanted.role);
    let what = format!("role {}", wanted.role);
    let found = session
        .client
        .query_opt(
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolname = current_user \
             FROM pg_roles WHERE rolname = $1",
            &[&wanted.role],
        )
        .await
        .map_err(|error| failed(&what, &error))?;
    let Some(row) = found else {
        if let Some(variable) = wanted.unset_password() {
            return Err(ProvisionError::Refused(format!(
                "{what} is not there, and {variable}, which gives its password, is not set: set it; nothing was changed"
            )));
        }
        let password = match &wanted.password {
            Some(password) => format!(" PASSWORD {}", literal(&verifier(password))),
            None => String::new(),
        };
        execute(
            session,
            &what,
            &format!(
                "CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS{password}"
            ),
        )
        .await?;
        steps.push(Step::new(
            what,
            if wanted.password.is_some() {
                "created, with its password"
            } else {
                "created, without a password"
            },
            true,
        ));
        return Ok(());
    };
    let read = |index: usize| {
        row.try_get::<_, bool>(index)
            .map_err(|error| failed(&what, &error))
    };
    if let Some(variable) = wanted.unset_password()
        && stored(session, wanted)
            .await
            .map_err(|error| failed(&what, &error))?
            == Stored::None
    {
        return Err(ProvisionError::Refused(format!(
            "{what} has no password, and {variable}, which gives it one, is not set: set it; nothing was changed"
        )));
    }
    let (login, own) = (read(0)?, read(6)?);
    let mut too_much = Vec::new();
    for (index, attribute) in [
        (1, "SUPERUSER"),
        (2, "CREATEDB"),
        (3, "CREATEROLE"),
        (4, "REPLICATION"),
        (5, "BYPASSRLS"),
    ] {
        if read(index)? {
            too_much.push(attribute);
        }
    }
    if own && !too_much.is_empty() {
        // The stock container: the service's role is the superuser that provisions. Taking its rights would lock everybody out.
        steps.push(Step {
            warning: true,
            ..Step::new(
                &what,
                format!(
                    "is the administrator itself ({}); left so: give dbctl another superuser as admin_url to mend it",
                    too_much.join(", ")
                ),
                false,
            )
        });
        return Ok(());
    }
    let mut changes: Vec<String> = too_much.iter().map(|right| format!("NO{right}")).collect();
    if !login {
        changes.push("LOGIN".to_owned());
    }
    if changes.is_empty() {
        steps.push(Step::new(&what, "already there", false));
    } else {
        let changes = changes.join(" ");
        execute(session, &what, &format!("ALTER ROLE {name} {changes}")).await?;
        steps.push(Step::new(&what, format!("altered: {changes}"), true));
    }
    password(session, wanted, steps).await
}

/// Sets the password of a role that is there, unless it is the same already.
async fn password(
    session: &Session,
    wanted: &Wanted,
    steps: &mut Vec<Step>,
) -> Result<(), ProvisionError> {
    let what = format!("password of {}", wanted.role);
    let Some(password) = &wanted.password else {
        return Ok(());
    };
    let stored = stored(session, wanted)
        .await
        .map_err(|error| failed(&what, &error))?;
    if matches!(stored, Stored::As(stored) if scram::matches(&stored, password)) {
        steps.push(Step::new(what, "already so", false));
        return Ok(());
    }
    let name = identifier(&wanted.role);
    let secret = literal(&verifier(password));
    execute(
        session,
        &what,
        &format!("ALTER ROLE {name} PASSWORD {secret}"),
    )
    .await?;
    steps.push(Step::new(what, "set", true));
    Ok(())
}

/// What the server keeps of a role's password.
#[derive(PartialEq, Eq)]
enum Stored {
    /// This.
    As(String),
    /// It has none.
    None,
    /// Who provisions may not read it.
    Unread,
}

async fn stored(session: &Session, wanted: &Wanted) -> Result<Stored, tokio_postgres::Error> {
    let client = &session.client;
    let may_read: bool = client
        .query_one("SELECT has_table_privilege('pg_authid', 'SELECT')", &[])
        .await?
        .try_get(0)?;
    if !may_read {
        return Ok(Stored::Unread);
    }
    let stored: Option<String> = client
        .query_one(
            "SELECT rolpassword FROM pg_authid WHERE rolname = $1",
            &[&wanted.role],
        )
        .await?
        .try_get(0)?;
    Ok(stored.map_or(Stored::None, Stored::As))
}

/// The SCRAM verifier of a password, computed here so that the server never sees the password itself.
fn verifier(password: &Secret) -> String {
    scram_sha_256(password.expose().as_bytes())
}
