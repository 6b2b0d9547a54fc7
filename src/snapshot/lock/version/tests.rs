#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use std::collections::BTreeSet;

use super::{Lock, Step, VersionEntry};
use crate::snapshot::samples::{object, snapshot};
use crate::snapshot::{Kind, Object, ObjectKey, Snapshot, fingerprint, text_sum};

/// A set of four versions: a table; a column more and another type; a view and a second table; the first table and the view go, and
/// come back the other way round.
fn history() -> Vec<Vec<Object>> {
    let table = |name| object(Kind::Table, ["public", "", name], &[]);
    let column = |table, name, ty| object(Kind::Column, ["public", table, name], &[("type", ty)]);
    let view = |name| {
        let definition = [("definition", "SELECT 1")];
        object(Kind::View, ["public", "", name], &definition)
    };
    let extension = object(Kind::Extension, ["", "", "made_before"], &[]);
    let first = vec![extension.clone(), table("a"), column("a", "id", "integer")];
    let second = vec![
        extension.clone(),
        table("a"),
        column("a", "id", "bigint"),
        column("a", "name", "text"),
    ];
    let mut third = second.clone();
    third.extend([view("v"), table("b"), column("b", "id", "integer")]);
    let fourth = vec![
        extension.clone(),
        view("a"),
        column("a", "id", "bigint"),
        table("v"),
        column("v", "id", "integer"),
        table("b"),
        column("b", "id", "integer"),
    ];
    vec![vec![extension], first, second, third, fourth]
}

fn snapshots(major: u32) -> Vec<Snapshot> {
    let all = history().into_iter();
    all.map(|objects| snapshot(major, objects)).collect()
}

fn lock() -> Lock {
    let (old, new) = (snapshots(17), snapshots(18));
    let files = ["V1__a.sql", "V2__b.sql", "V3__c.sql", "V5__d.sql"];
    let steps: Vec<Step<'_>> = [1, 2, 3, 5]
        .into_iter()
        .enumerate()
        .map(|(number, version)| Step {
            version,
            file: files[number],
            sum: text_sum("up"),
            down: (version == 2).then(|| text_sum("down")),
            after: vec![(17, &old[number + 1]), (18, &new[number + 1])],
        })
        .collect();
    Lock::from_steps("s", "0", &[(17, &old[0]), (18, &new[0])], &steps).unwrap()
}

fn names(keys: &BTreeSet<ObjectKey>) -> Vec<String> {
    keys.iter().map(super::super::key::write).collect()
}

#[test]
fn each_version_says_what_it_adds_removes_and_changes() {
    let lock = lock();
    let entry = |version| lock.version(version).unwrap();
    assert_eq!(names(&entry(1).adds), ["table public.a"]);
    assert_eq!(names(&entry(2).adds), ["column public.a.name"]);
    assert_eq!(names(&entry(2).changes), ["column public.a.id"]);
    assert_eq!(names(&entry(3).adds), ["table public.b", "view public.v"]);
    assert_eq!(names(&entry(5).adds), ["table public.v", "view public.a"]);
    assert_eq!(
        names(&entry(5).removes),
        ["table public.a", "view public.v"]
    );
    assert!(entry(5).changes.is_empty() && lock.version(4).is_none());
    assert!(entry(2).down.is_some() && entry(3).down.is_none());
    assert_eq!(Lock::parse("x", &lock.write()).unwrap(), lock);
}

#[test]
fn what_was_done_over_leaves_no_trace() {
    let lock = lock();
    for (version, newest, leaves) in [
        (1, 1, true),
        (1, 3, true),
        (2, 3, true),
        // Version 5 takes the table away, and its columns with it.
        (1, 5, false),
        (2, 5, false),
        (3, 5, true),
        (5, 5, true),
        (4, 5, false),
    ] {
        assert_eq!(
            lock.leaves_a_trace(version, newest),
            leaves,
            "{version} {newest}"
        );
    }
}

#[test]
fn an_entry_reads_well() {
    let text = lock().write();
    let entry = text.split("\n[[").nth(2).unwrap();
    let sum = text_sum("up");
    let down = text_sum("down");
    let print = lock()
        .version(2)
        .unwrap()
        .fingerprint(18)
        .unwrap()
        .to_owned();
    assert_eq!(
        entry,
        format!(
            "migration]]\nversion = 2\nfile = \"V2__b.sql\"\nsum = \"{sum}\"\ndown = \"{down}\"\nfingerprint = \"{print}\"\n\
             adds = [\n  \"column public.a.name\",\n]\nchanges = [\n  \"column public.a.id\",\n]\n"
        )
    );
}

#[test]
fn a_catalog_at_any_version_differs_in_nothing_from_itself() {
    let lock = lock();
    for (number, version) in [(0, 0), (1, 1), (2, 2), (3, 3), (3, 4), (4, 5), (4, 99)] {
        let expected = lock.at(version).unwrap();
        let now = &snapshots(17)[number];
        let diff = expected.diff(now);
        assert!(
            diff.missing.is_empty()
                && diff.extra.is_empty()
                && diff.changed.is_empty()
                && diff.unknown.is_empty(),
            "{version}: {diff:?}"
        );
        // Every relation and what stands alone is known by name, whatever became of it later.
        let here: BTreeSet<ObjectKey> = now
            .objects
            .iter()
            .map(|object| object.key.clone())
            .collect();
        for key in here.iter().filter(|key| !key.kind.is_part()) {
            assert!(
                expected.lock.objects.contains_key(key),
                "{version}: {key:?}"
            );
        }
        assert!(
            expected.lock.objects.keys().all(|key| here.contains(key)),
            "{version}"
        );
    }
    assert_eq!(
        names(&lock.at(1).unwrap().unknown),
        ["table public.a", "column public.a.id"],
        "the table is removed later, and its column is changed before that"
    );
    assert!(lock.at(5).unwrap().unknown.is_empty());
}

#[test]
fn a_catalog_at_another_version_differs_by_name() {
    let lock = lock();
    let all = snapshots(17);
    let third = lock.at(3).unwrap();
    let diff = third.diff(&all[2]);
    assert_eq!(
        diff.missing
            .iter()
            .map(super::super::key::write)
            .collect::<Vec<_>>(),
        ["table public.b", "view public.v"]
    );
    let diff = third.diff(&all[4]);
    assert_eq!(
        diff.changed.len(),
        2,
        "a table became a view and a view a table: {diff:?}"
    );
    let second = lock.at(2).unwrap();
    let extra = second.diff(&all[3]).extra;
    assert_eq!(extra.len(), 2, "{extra:?}");
}

#[test]
fn every_relation_of_every_version_is_known() {
    let relations: Vec<String> = lock()
        .relations()
        .into_iter()
        .map(|(schema, name)| format!("{schema}.{name}"))
        .collect();
    assert_eq!(relations, ["public.a", "public.b", "public.v"]);
    let without = Lock {
        versions: Vec::new(),
        ..lock()
    };
    assert!(without.at(5).is_none());
    assert_eq!(Lock::parse("x", &without.write()).unwrap(), without);
}

#[test]
fn fingerprints_tell_catalogs_apart() {
    let mut seen: BTreeSet<String> = snapshots(17).iter().map(fingerprint).collect();
    assert_eq!(seen.len(), 5);
    let lock = lock();
    let prints = |major| {
        let versions = lock.versions.iter();
        let prints = versions.map(move |entry| entry.fingerprint(major).map(str::to_owned));
        prints.collect::<Option<BTreeSet<String>>>()
    };
    assert!(prints(17).unwrap().is_subset(&seen));
    assert_eq!(prints(17), prints(18));
    assert_eq!(prints(16), None);

    // Neither the owner nor what only some roles may read counts; every name and text does.
    let base = snapshots(17).swap_remove(1);
    let mut other = base.clone();
    other.objects[1].owner = Some("somebody else".to_owned());
    assert_eq!(fingerprint(&base), fingerprint(&other));
    let changes: [fn(&mut Object); 5] = [
        |object| object.key.name.push('x'),
        |object| object.key.parent.push('x'),
        |object| object.key.arguments.push('x'),
        |object| {
            drop(
                object
                    .attributes
                    .insert("default".to_owned(), String::new()),
            )
        },
        |object| object.attributes.clear(),
    ];
    for change in changes {
        let mut other = base.clone();
        let column = other
            .objects
            .iter_mut()
            .find(|object| object.key.kind == Kind::Column);
        change(column.unwrap());
        assert!(seen.insert(fingerprint(&other)));
    }
}

#[test]
fn majors_that_differ_have_a_fingerprint_each() {
    let with = |major, definition: &str| {
        let view = object(
            Kind::View,
            ["public", "", "v"],
            &[("definition", definition)],
        );
        snapshot(major, vec![view])
    };
    let (old, new) = (with(15, "SELECT t.a"), with(17, "SELECT a"));
    let (none, no) = (snapshot(15, Vec::new()), snapshot(17, Vec::new()));
    let step = Step {
        version: 1,
        file: "V1__v.sql",
        sum: String::new(),
        down: None,
        after: vec![(15, &old), (17, &new)],
    };
    let lock = Lock::from_steps("s", "0", &[(15, &none), (17, &no)], &[step]).unwrap();
    let entry: &VersionEntry = lock.version(1).unwrap();
    assert_eq!(entry.fingerprint(15), Some(fingerprint(&old).as_str()));
    assert_eq!(entry.fingerprint(17), Some(fingerprint(&new).as_str()));
    assert_ne!(entry.fingerprint(15), entry.fingerprint(17));
    assert!(lock.write().contains("\nfingerprint = { 15 = \""));
    assert_eq!(Lock::parse("x", &lock.write()).unwrap(), lock);
    let alone = lock.restricted(&[17]);
    assert_eq!(alone.version(1).unwrap().fingerprint(15), None);
    assert_eq!(Lock::parse("x", &alone.write()).unwrap(), alone);
}

#[test]
fn what_majors_do_not_share_is_said_with_the_version() {
    let table = |major, name| snapshot(major, vec![object(Kind::Table, ["public", "", name], &[])]);
    let (a, b, none) = (table(15, "a"), table(17, "b"), snapshot(15, Vec::new()));
    let step = Step {
        version: 1,
        file: "V1__a.sql",
        sum: String::new(),
        down: None,
        after: vec![(15, &a), (17, &b)],
    };
    let error = Lock::from_steps("s", "0", &[(15, &none), (17, &none)], &[step]).unwrap_err();
    assert!(
        error
            .0
            .ends_with("on another major version, after V1__a.sql"),
        "{error}"
    );
}

#[test]
fn errors_of_entries_name_file_and_line() {
    let head = "version = 1\nset = \"s\"\nsum = \"0\"\nmajors = [17]\nobjects = 0\n";
    let print = "0".repeat(32);
    let entry = format!(
        "[[migration]]\nversion = 1\nfile = \"f\"\nsum = \"0\"\nfingerprint = \"{print}\"\n"
    );
    assert!(Lock::parse("x", &format!("{head}{entry}")).is_ok());
    let cases = [
        (format!("{entry}{entry}"), "x:12: versions must ascend"),
        (
            entry.replace("version = 1", "version = 0"),
            "x:7: not a version",
        ),
        (entry.replace("file", "files"), "x:8: unknown key files"),
        (entry.replace("file = \"f\"\n", ""), "x:6: no file is given"),
        (
            entry.replace("000\"", "00G\""),
            "x:10: a fingerprint has 32 ",
        ),
        (
            entry.replace(&format!("\"{print}\""), &format!("{{ 16 = \"{print}\" }}")),
            "x:10: not one of the file's major versions",
        ),
        (
            format!("{entry}adds = [\n \"tabel public.t\",\n]\n"),
            "x:12: not an object: ",
        ),
        (
            format!("{entry}removes = [\n \"table t\",\n \"table t\",\n]\n"),
            "x:13: this object is listed twice",
        ),
        (
            format!("{entry}changes = \"table t\"\n"),
            "x:11: this must be a list",
        ),
        (format!("{entry}down = 1\n"), "x:11: this must be a text"),
    ];
    for (text, expected) in cases {
        let error = Lock::parse("x", &format!("{head}{text}")).unwrap_err().0;
        assert!(error.starts_with(expected), "{error:?} for\n{text}");
    }
}
