//! What is said of a migration that has touched what is not its service's.

use super::footprint::BOOKS;
use crate::migration::{Name, analyse};
use crate::snapshot::{HISTORY_TABLE, PROGRESS_TABLE, STAMP_TABLE};

/// The tables that dbctl keeps its books in.
const OWN: [(&str, &str); 3] = [STAMP_TABLE, PROGRESS_TABLE, HISTORY_TABLE];

/// The first statement that names one of these relations, or takes all that the role or a schema has; none does where a trigger or a
/// function has touched it.
pub(super) fn naming(sql: &str, relations: &[String]) -> Option<usize> {
    let books = relations.iter().any(|relation| relation == BOOKS);
    let is_named = |name: &Name| {
        let schema = name.schema.as_deref().unwrap_or("public");
        let is_own = OWN.contains(&(schema, name.name.as_str()));
        books && is_own || relations.contains(&format!("{schema}.{}", name.name))
    };
    analyse(sql).iter().position(|statement| {
        statement.touches.iter().any(is_named) || books && sweeps(&statement.text)
    })
}

/// Whether a statement means everything that a role or a schema has.
fn sweeps(text: &str) -> bool {
    let mut words = text.split_whitespace().map(str::to_lowercase);
    let (first, second) = (words.next(), words.next());
    let takes = ["drop", "reassign", "alter"]
        .iter()
        .any(|word| first.as_deref() == Some(word));
    takes
        && ["owned", "schema"]
            .iter()
            .any(|word| second.as_deref() == Some(word))
}

/// Says that a migration has touched what is not its service's.
pub(super) fn foreign_text(touched: &[String], service: &str) -> String {
    let own = OWN
        .map(|(schema, table)| format!("{schema}.{table}"))
        .join(", ");
    let others: Vec<&str> = touched
        .iter()
        .map(String::as_str)
        .filter(|one| *one != BOOKS)
        .collect();
    let books = (others.len() < touched.len()).then(|| {
        format!(
            "it touches {BOOKS} ({own}), which no migration may change or take away: take that out of it (DROP OWNED and REASSIGN OWNED mean \
             these as well: name what is to go)"
        )
    });
    let others = (!others.is_empty()).then(|| {
        format!(
            "it touches {}, which belongs to no object of {service}: a migration may only touch what its own set makes \
             (a set that makes it under a name that its text does not show needs a new lock: dbctl lock --service {service})",
            others.join(", ")
        )
    });
    others
        .into_iter()
        .chain(books)
        .collect::<Vec<_>>()
        .join("; ")
}
