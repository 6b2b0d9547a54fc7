//! Whether an index was created by the statement that was to create it: by what it covers, for others may make indexes at the same time.

use tokio_postgres::Error;
use tokio_postgres::types::Type;

use super::super::super::session::Session;
use super::super::footprint::resolve;
use super::{Outcome, cut_off, drop_index, is_valid, quoted, tables};
use crate::migration::{Likeness, Name, likeness};

/// An index that was not there before.
pub(super) struct New {
    pub(super) name: String,
    /// Its name with its schema, as SQL needs it.
    pub(super) quoted: String,
    table: String,
    pub(super) valid: bool,
    /// The server's own definition of it; nothing where it was dropped meanwhile.
    definition: Option<String>,
    /// Whether somebody else may be building it right now.
    pub(super) busy: bool,
}

/// Indexes that were not there before: on these tables, or anywhere if there is none.
pub(super) async fn made(
    session: &Session,
    tables: &[u32],
    before: &[u32],
) -> Result<Vec<New>, Error> {
    session
        .client
        .query_typed(
            include_str!("../sql/new_indexes.sql"),
            &[(&tables, Type::OID_ARRAY), (&before, Type::OID_ARRAY)],
        )
        .await?
        .iter()
        .map(|row| {
            Ok(New {
                name: row.try_get("name")?,
                quoted: row.try_get("quoted")?,
                table: row.try_get("on_table")?,
                valid: row.try_get("valid")?,
                definition: row.try_get("definition")?,
                busy: row.try_get("busy")?,
            })
        })
        .collect()
}

/// Whether an index that was there before is gone: REINDEX CONCURRENTLY puts another in its place.
pub(super) async fn is_any_gone(session: &Session, before: &[u32]) -> Result<bool, Error> {
    session
        .client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM unnest($1) AS b (oid) WHERE NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = b.oid))",
            &[(&before, Type::OID_ARRAY)],
        )
        .await?
        .try_get(0)
}

/// `text` is the statement that was to create it.
pub(super) async fn index_created(
    session: &Session,
    text: &str,
    index: Option<&Name>,
    table: &Name,
    before: &[u32],
) -> Result<Outcome, Error> {
    let on = tables(session, std::slice::from_ref(table)).await?;
    if on.is_empty() {
        return Ok(Outcome::NotRun);
    }
    let is_own = |new: &New| match index {
        Some(index) => new.name == index.name,
        None => !new.busy && is_named_by_server(&new.name, &new.table),
    };
    let alike = |new: &New| {
        let definition = new.definition.as_deref();
        definition.map_or(Likeness::Unsure, |there| likeness(text, there))
    };
    let made = made(session, &on, before).await?;
    // One that covers something else is somebody's who made it meanwhile.
    let own: Vec<(New, Likeness)> = made
        .into_iter()
        .filter(is_own)
        .map(|new| {
            let alike = alike(&new);
            (new, alike)
        })
        .filter(|(_, alike)| *alike != Likeness::Other)
        .collect();
    let broken = own.iter().filter(|(new, _)| !new.valid);
    if let Some(outcome) = cut_off(broken.map(|(new, _)| new.quoted.clone()).collect()) {
        return Ok(outcome);
    }
    if !own.is_empty() {
        let same = own.iter().any(|(_, alike)| *alike == Likeness::Same);
        // One of the server's names may be an older index that somebody has built anew.
        let other = index.is_none() && is_any_gone(session, before).await?;
        return Ok(match same && !other {
            true => Outcome::Ran,
            false => Outcome::Unknown,
        });
    }
    // IF NOT EXISTS over an index that was there before.
    if let Some(index) = index
        && let Some(oid) = resolve(session, index).await?
        && before.contains(&oid)
    {
        return Ok(match is_valid(session, oid).await? {
            true => Outcome::Ran,
            false => Outcome::CutOff {
                left: format!("index {index} is not valid"),
                mend: vec![drop_index(&quoted(index))],
            },
        });
    }
    Ok(Outcome::NotRun)
}

/// The shortest name, in bytes, that the server may have clipped: a character of four bytes may not have fitted into the 63.
const CLIPPED: usize = 60;

/// Whether the server may have given an index this name, after its table and columns (PostgreSQL source, makeObjectName). Where both do
/// not fit, it clips the longer one, and each keeps at least some 28 bytes or all that it has.
fn is_named_by_server(index: &str, table: &str) -> bool {
    let bare = index.trim_end_matches(|c: char| c.is_ascii_digit());
    let Some(stem) = bare.strip_suffix("_idx") else {
        return false;
    };
    if stem
        .strip_prefix(table)
        .is_some_and(|rest| rest.starts_with('_'))
    {
        return true;
    }
    let common = stem
        .char_indices()
        .zip(table.chars())
        .take_while(|((_, one), other)| one == other)
        .map(|((at, one), _)| at + one.len_utf8())
        .last()
        .unwrap_or(0);
    // The underscore that follows may also be the table's own next one.
    index.len() >= CLIPPED
        && stem
            .match_indices('_')
            .any(|(at, _)| (24..=common).contains(&at))
}

#[cfg(test)]
mod tests {
    use super::is_named_by_server;

    #[test]
    fn the_servers_own_names_are_known_whole_and_clipped() {
        let table = "a_table_with_a_name_that_nearly_fills_all_there_is_for_a_name";
        // What PostgreSQL 17 names them.
        for (index, table) in [
            ("goods_name_idx", "goods"),
            ("goods_lower_id_idx12", "goods"),
            (
                "a_table_with_a_name_that_nearly_fills_all_there_is_for_a_id_idx",
                table,
            ),
            (
                "a_table_with_a_name_that_nearly_fills_all_there_is_for__id_idx1",
                table,
            ),
            (
                "a_table_with_a_name_that_near_a_column_with_a_name_that_nea_idx",
                table,
            ),
            (
                "ääääääääääääää_öööööööööööööööö_idx",
                "ääääääääääääääääääääääääääääääää",
            ),
        ] {
            assert!(is_named_by_server(index, table), "{index}");
        }
        for index in ["goods_name", "good_name_idx", "goodsname_idx", "other_idx"] {
            assert!(!is_named_by_server(index, "goods"), "{index}");
        }
        assert!(!is_named_by_server("a_table_with_a_name_id_idx", table));
    }
}
