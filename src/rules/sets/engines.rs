//! What is meant for another engine, or made by another tool.

use super::judge::{Context, Draft};
use super::objects::{HISTORY, WRONG_ENGINE, about};
use crate::migration::effects::{Access, Act, Path};
use crate::rules::classify::Class as Known;
use crate::rules::{About, Severity, known};

/// Tables that are known without any lock: those of file stores and of other tools.
pub(super) fn engine(context: &Context<'_, '_>, path: &Path) -> Option<Draft> {
    let name = path.name.as_str();
    let effects = &context.file.effects.effects;
    let beside = effects.iter().any(|effect| {
        matches!(&effect.act, Act::Names { access: Access::Create, path, .. } if known::RGB_LIB.contains(&path.name.as_str()))
    });
    match known::table(name, beside)? {
        Known::FileEngine(engine) => Some(
            Draft::new(
                &WRONG_ENGINE,
                about("table", path),
                format!("creates {path}, which {engine} keeps in its own files"),
            )
            .belongs_to(engine)
            .expected(format!("no table of {engine} in PostgreSQL"))
            .remedy("Remove it: the engine makes its tables itself, in its own store."),
        ),
        Known::ToolHistory(tool) => Some(
            Draft::new(
                &HISTORY,
                about("table", path),
                format!("creates {path}, the history of {tool}"),
            )
            .severity(Severity::Warning)
            .expected("one migration tool, with its own history")
            .remedy("Remove it, or let the other tool make it."),
        ),
        _ => None,
    }
}

/// A statement of another system.
pub(super) fn dialect(system: &str, mark: &str) -> Draft {
    Draft::new(
        &WRONG_ENGINE,
        About::plain("migration", mark),
        format!("is written for {system} ({mark})"),
    )
    .expected("SQL of PostgreSQL")
    .remedy("Remove it, or write it in PostgreSQL's SQL; a file store's own tables are made by its engine.")
}
