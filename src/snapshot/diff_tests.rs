#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use super::{Change, Diff, diff};
use crate::snapshot::samples::{object, posts, snapshot};
use crate::snapshot::{Kind, Lock, Object};

fn lock(objects: Vec<Object>) -> Lock {
    Lock::from_snapshots("s", "0", &[(17, &snapshot(17, objects))]).unwrap()
}

/// Everything that a diff says, one line each.
fn told(diff: &Diff<'_>) -> Vec<String> {
    let change = |word: &str, c: &Change| {
        format!(
            "{word} {} {}: {} -> {}",
            c.key.name, c.attribute, c.expected, c.actual
        )
    };
    let missing = diff
        .missing
        .iter()
        .map(|key| format!("missing {} {}", key.kind.words(), key.name));
    let extra = diff
        .extra
        .iter()
        .map(|o| format!("extra {} {}", o.key.kind.words(), o.key.name));
    missing
        .chain(extra)
        .chain(diff.changed.iter().map(|c| change("changed", c)))
        .chain(diff.unknown.iter().map(|c| change("unknown", c)))
        .collect()
}

/// What is told when `edit` was done to the database.
fn after(major: u32, edit: impl Fn(&mut Vec<Object>)) -> Vec<String> {
    let mut objects = posts();
    edit(&mut objects);
    told(&diff(&lock(posts()), &snapshot(major, objects)))
}

fn named<'o>(objects: &'o mut [Object], name: &str) -> &'o mut Object {
    objects
        .iter_mut()
        .find(|object| object.key.name == name)
        .unwrap()
}

#[test]
fn nothing_to_tell() {
    assert!(after(17, |_| {}).is_empty());
    assert!(
        after(18, |_| {}).is_empty(),
        "equal text is equal on any major"
    );
    let owner = after(17, |objects| objects[0].owner = None);
    assert!(owner.is_empty(), "owners are not in the lock");
}

#[test]
fn one_cause_one_entry() {
    let gone = after(17, |objects| objects.retain(|o| o.key.name == "totals"));
    assert_eq!(gone, ["missing table posts"]);
    let new = after(17, |objects| {
        objects.push(object(Kind::Table, ["public", "", "t"], &[]));
        objects.push(object(
            Kind::Column,
            ["public", "t", "c"],
            &[("type", "text")],
        ));
        objects.push(object(Kind::Trigger, ["public", "t", "g"], &[]));
    });
    assert_eq!(new, ["extra table t"]);
    let moved = after(17, |objects| {
        for object in objects.iter_mut().take(5) {
            object.key.schema = "old".to_owned();
        }
    });
    assert_eq!(moved, ["missing table posts", "extra table posts"]);
}

#[test]
fn a_table_that_became_a_view() {
    let view = after(17, |objects| {
        objects.retain(|o| o.key.name == "totals");
        objects.push(object(
            Kind::View,
            ["public", "", "posts"],
            &[("definition", "x")],
        ));
        objects.push(object(Kind::Rule, ["public", "posts", "r"], &[]));
    });
    assert_eq!(view, ["changed posts kind: table -> view"]);
}

#[test]
fn parts_of_their_own() {
    let column = after(17, |objects| {
        named(objects, "id").key.name = "ident".to_owned()
    });
    assert_eq!(column, ["missing column id", "extra column ident"]);
    let hypertable = after(17, |objects| {
        objects.retain(|o| o.key.kind != Kind::Hypertable)
    });
    assert_eq!(hypertable, ["missing hypertable posts"]);
    // A table that is in neither list (the history) may still get a trigger.
    let orphan = after(17, |objects| {
        objects.push(object(Kind::Trigger, ["public", "history", "g"], &[]));
    });
    assert_eq!(orphan, ["extra trigger g"]);
}

#[test]
fn attributes_that_come_go_and_change() {
    let changed = after(17, |objects| {
        let id = &mut named(objects, "id").attributes;
        id.insert("type".to_owned(), "integer".to_owned());
        id.remove("not_null");
        id.insert("default".to_owned(), "0".to_owned());
    });
    assert_eq!(
        changed,
        [
            "changed id default:  -> 0",
            "changed id not_null: true -> ",
            "changed id type: bigint -> integer"
        ]
    );
}

#[test]
fn deparsed_text_is_never_guessed() {
    let edit = |objects: &mut Vec<Object>| {
        let view = &mut named(objects, "totals").attributes;
        view.insert("definition".to_owned(), " SELECT id".to_owned());
        let id = &mut named(objects, "id").attributes;
        id.insert("type".to_owned(), "integer".to_owned());
    };
    let words = |list: Vec<String>| -> Vec<String> {
        list.iter()
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        words(after(17, edit)),
        ["changed totals definition", "changed id type"]
    );
    assert_eq!(
        words(after(18, edit)),
        ["changed id type", "unknown totals definition"]
    );
}

#[test]
fn the_text_of_the_right_major() {
    let old = posts();
    let mut new = posts();
    named(&mut new, "totals")
        .attributes
        .insert("definition".to_owned(), " SELECT id".to_owned());
    let (old, new) = (snapshot(15, old), snapshot(17, new));
    let lock = Lock::from_snapshots("s", "0", &[(15, &old), (17, &new)]).unwrap();
    assert!(told(&diff(&lock, &old)).is_empty());
    assert!(told(&diff(&lock, &new)).is_empty());
    // 16 deparses as one of them does: both texts stand for the same view.
    for same in [&old, &new] {
        let other = snapshot(16, same.objects.clone());
        assert!(told(&diff(&lock, &other)).is_empty());
    }
    // On a major that the lock knows only its own text is right.
    let wrong = snapshot(17, old.objects.clone());
    assert_eq!(told(&diff(&lock, &wrong)).len(), 1);
}
