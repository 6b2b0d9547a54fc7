//! What two services' sets both say: a whole file, or a name that no lock has settled.

use super::judge::{Context, Draft, Placed};
use super::objects::{COPIED_MIGRATION, FOREIGN_OBJECT, FOREIGN_REFERENCE, LOOK_ALIKE};
use super::owners::family;
use crate::migration::effects::{Access, Act, Class};
use crate::rules::About;
use crate::snapshot::Gap;

/// Where the file is another service's, word for word, that is the one thing to say about what it creates.
pub(super) fn fold_copy(context: &Context<'_, '_>, number: usize, found: &mut Vec<Placed>) {
    let folds = [FOREIGN_OBJECT.id, FOREIGN_REFERENCE.id, LOOK_ALIKE.id];
    let names: Vec<String> = found
        .iter()
        .filter(|placed| folds.contains(&placed.draft.rule))
        .map(|placed| placed.draft.about.qualified())
        .collect();
    let Some((holder, original)) = context
        .owners
        .original(context.index, context.file.likeness)
        .filter(|_| !names.is_empty() && !context.file.down)
    else {
        return;
    };
    found.retain(|placed| !folds.contains(&placed.draft.rule));
    let draft = Draft::new(
        &COPIED_MIGRATION,
        About::plain("migration", &context.file.file),
        format!(
            "is a copy of {original} of {}, with {}",
            holder.name(),
            names.join(", ")
        ),
    )
    .belongs_to(holder.name())
    .expected(format!("a migration of {}'s own", context.own.name()))
    .remedy("Remove the file.");
    let first = context.file.effects.statements.first();
    found.push(Placed {
        draft,
        place: first.map(|said| said.place).unwrap_or_default(),
        statement: None,
        within: None,
        file: number,
    });
}

/// Without a lock of its own it is not known whether a name that two sets create is meant to be in both.
pub(super) fn undecided(
    context: &Context<'_, '_>,
    number: usize,
) -> Vec<(&'static str, usize, Option<usize>, Gap)> {
    if context.own.lock.is_some() {
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for effect in &context.file.effects.effects {
        if let Act::Names {
            class: class @ (Class::Relation | Class::Type),
            access: Access::Create,
            path,
            temporary: false,
        } = &effect.act
            && let Some(family) = family(*class)
            && let Some((holder, _)) = context.owners.holder(context.index, family, &path.name)
        {
            let name = format!("{path} (as {} does)", holder.name());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.is_empty() || context.file.down {
        return Vec::new();
    }
    let gap = Gap {
        reason: format!(
            "{} creates {}; without a schema lock nobody has said that {} is meant to have it, too",
            context.file.path,
            names.join(", "),
            context.own.name()
        ),
        remedy: context
            .own
            .subject
            .lock
            .get()
            .err()
            .and_then(|gap| gap.remedy),
    };
    vec![(FOREIGN_OBJECT.id, number, None, gap)]
}
