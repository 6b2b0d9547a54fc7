//! Objects of another service: by name, by look, by shape.

use super::{database, each};
use crate::rules::classify::{Class, called_function, is_hypertable};
use crate::rules::text::{bare_drop_sql, drop_sql, ident, named};
use crate::rules::{About, Case, Rule, Scope, Severity, Subject, Verdict};
use crate::snapshot::{Kind, Object};

pub(super) const FOREIGN_OBJECT: Rule = Rule {
    id: "bleed/foreign-object",
    severity: Severity::Error,
    summary: "Does an object carry the name of one that another service owns?",
    help: include_str!("../help/bleed-foreign-object.md"),
    scope: Scope::Database,
    check: foreign_object,
};

fn foreign_object(case: &Case<'_>) -> Verdict {
    let snapshot = case.own()?;
    each(case, true, |object, class| match class {
        Class::Foreign { owner, kind } => {
            let other = &owner.service.name;
            let how = if is_hypertable(object, snapshot) {
                format!(
                    "; it is a hypertable, and its chunks go with it (in {other} it is a {})",
                    kind.words()
                )
            } else if let Some(function) = runs(object) {
                format!("; it runs function {}", ident(&function))
            } else if *kind == object.key.kind {
                String::new()
            } else {
                let words = kind.words();
                let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) {
                    "an"
                } else {
                    "a"
                };
                format!("; there it is {article} {words}")
            };
            Some(
                FOREIGN_OBJECT
                    .finding(
                        About::object(object),
                        format!(
                            "{} in database {} belongs to {other}{how}",
                            named(&object.key),
                            database(case)
                        ),
                    )
                    .belongs_to(other)
                    .saw(format!("no object of {other}"), named(&object.key))
                    .remedy(removal(object, owner)),
            )
        }
        Class::ForeignCall { owner, function } => {
            let other = &owner.service.name;
            Some(
                FOREIGN_OBJECT
                    .finding(
                        About::object(object),
                        format!(
                            "{} in database {} runs function {} of {other}",
                            named(&object.key),
                            database(case),
                            ident(function)
                        ),
                    )
                    .belongs_to(other)
                    .saw(format!("no object of {other}"), named(&object.key))
                    .remedy(format!(
                        "{} Then drop function {} as well.",
                        drop_sql(object),
                        ident(function)
                    )),
            )
        }
        _ => None,
    })
}

/// The function that a trigger runs: it comes and goes with the trigger, so it has no finding of its own.
fn runs(object: &Object) -> Option<String> {
    matches!(object.key.kind, Kind::Trigger | Kind::EventTrigger)
        .then(|| called_function(object))
        .flatten()
}

pub(super) const LOOK_ALIKE: Rule = Rule {
    id: "bleed/look-alike",
    severity: Severity::Error,
    summary: "Does a name look like one that another service owns?",
    help: include_str!("../help/bleed-look-alike.md"),
    scope: Scope::Database,
    check: look_alike,
};

fn look_alike(case: &Case<'_>) -> Verdict {
    each(case, true, |object, class| {
        let Class::LookAlike { owner, of } = class else {
            return None;
        };
        let other = &owner.service.name;
        let like = if object.key.kind.is_part() || object.key.kind == Kind::Statistics {
            "is named after"
        } else {
            "looks like"
        };
        Some(
            LOOK_ALIKE
                .finding(
                    About::object(object),
                    format!(
                        "{} in database {} {like} {} of {other}",
                        named(&object.key),
                        database(case),
                        ident(of)
                    ),
                )
                .belongs_to(other)
                .saw(
                    format!("no name that can be taken for one of {other}"),
                    named(&object.key),
                )
                .remedy(removal(object, owner)),
        )
    })
}

pub(super) const SAME_SHAPE: Rule = Rule {
    id: "bleed/same-shape",
    severity: Severity::Error,
    summary: "Has an unknown table, view or type the columns of another service's table?",
    help: include_str!("../help/bleed-same-shape.md"),
    scope: Scope::Database,
    check: same_shape,
};

fn same_shape(case: &Case<'_>) -> Verdict {
    each(case, true, |object, class| {
        let Class::SameShape { owner, of, columns } = class else {
            return None;
        };
        let other = &owner.service.name;
        Some(
            SAME_SHAPE
                .finding(
                    About::object(object),
                    format!(
                        "{} in database {} has the {columns} columns of {} of {other}",
                        named(&object.key),
                        database(case),
                        ident(of)
                    ),
                )
                .belongs_to(other)
                .saw(
                    format!("no copy of a table of {other}"),
                    format!("the columns of {}", ident(of)),
                )
                .remedy(removal(object, owner)),
        )
    })
}

/// How to get rid of an object that another service may miss.
fn removal(object: &Object, owner: &Subject<'_>) -> String {
    let keeps_rows = matches!(object.key.kind, Kind::Table | Kind::MaterializedView);
    let caution = if keeps_rows {
        format!(
            "If {} needs its rows, copy them to database {} first. ",
            owner.service.name,
            ident(owner.service.database_name())
        )
    } else {
        String::new()
    };
    let sql = bare_drop_sql(object);
    let then = runs(object).map_or_else(String::new, |function| {
        format!(
            " Then drop function {} as well, if nothing else runs it.",
            ident(&function)
        )
    });
    format!("{caution}{sql}{then}")
}
