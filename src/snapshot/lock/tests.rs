#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use super::{Lock, Text};
use crate::snapshot::samples::{object, posts, snapshot};
use crate::snapshot::{Kind, Object};

fn lock(objects: Vec<Object>) -> Lock {
    let (old, new) = (snapshot(17, objects.clone()), snapshot(18, objects));
    Lock::from_snapshots("k_social", "abc", &[(17, &old), (18, &new)]).unwrap()
}

fn round_trip(lock: &Lock) {
    let text = lock.write();
    assert_eq!(Lock::parse("x", &text).unwrap(), *lock, "{text}");
    let turned = text.replace('\n', "\r\n");
    assert_eq!(Lock::parse("x", &turned).unwrap(), *lock, "{text}");
}

#[test]
fn a_merge_conflict_is_told_as_one() {
    let text = lock(posts()).write();
    let sum = "sum = \"abc\"\n";
    let conflict = format!("<<<<<<< HEAD\n{sum}=======\nsum = \"abd\"\n>>>>>>> other\n");
    let error = Lock::parse("schema.lock", &text.replace(sum, &conflict)).unwrap_err();
    assert!(
        error
            .0
            .starts_with("schema.lock:7: the file holds a merge conflict; "),
        "{error}"
    );
    assert!(error.0.ends_with("`dbctl lock` writes it again"), "{error}");
}

#[test]
fn a_block_reads_well() {
    let text = lock(posts()).write();
    let body: Vec<&str> = text.lines().skip(4).collect();
    assert_eq!(
        body.join("\n"),
        r#"version = 1
set = "k_social"
sum = "abc"
majors = [17, 18]
objects = 6

[[object]]
kind = "table"
schema = "public"
name = "posts"
columns = [
  { name = "id", type = "bigint", not_null = "true", identity = "always" },
]
constraints = [
  { name = "posts_pkey", definition = "PRIMARY KEY (id, \"time\")" },
]
indexes = [
  { name = "posts_idx", definition = "CREATE INDEX posts_idx ON public.posts USING btree (id)" },
]
hypertable = { time_column = "time", chunk_interval = "6 hours" }

[[object]]
kind = "view"
schema = "public"
name = "totals"
definition = """
 SELECT posts.id
   FROM public.posts;""""#
    );
    round_trip(&lock(posts()));
}

#[test]
fn hostile_names_and_texts_come_back() {
    let names = [
        "",
        " ",
        "a\"b",
        "a'b",
        "a\\",
        "\"\"\"",
        "a\nb",
        "\r\n",
        "\t",
        "\u{0}\u{7f}\u{85}",
        "блоcks",
        "\u{202e}evil",
        "é\u{feff}",
        "]",
        "# x",
        "name",
        "\n\n\"\"\"\n\\\n",
        "x = 1",
        "\u{e0041}\u{10ffff}",
    ];
    for name in names {
        for kind in Kind::ALL {
            let parent = if kind.is_part() { name } else { "" };
            let mut objects = vec![object(Kind::Table, [name, "", name], &[])];
            let attributes: Vec<(&str, &str)> = crate::snapshot::attributes::of(kind)
                .iter()
                .filter(|attribute| {
                    !crate::snapshot::attributes::depends_on_reader(kind, attribute)
                })
                .map(|attribute| (*attribute, name))
                .collect();
            objects.push(object(kind, [name, parent, name], &attributes));
            // A part without its relation has a block of its own.
            objects.push(object(kind, ["elsewhere", name, name], &attributes));
            let mut function = object(Kind::Function, [name, "", name], &[("definition", name)]);
            function.key.arguments = name.to_owned();
            objects.push(function);
            objects.sort_by(|a, b| a.key.cmp(&b.key));
            objects.dedup_by(|a, b| a.key == b.key);
            round_trip(&lock(objects));
        }
    }
}

#[test]
fn what_cannot_be_seen_is_written_out() {
    let text = lock(vec![object(
        Kind::Table,
        ["public", "", "a\u{202e}\u{200b}b\u{7}"],
        &[],
    )])
    .write();
    assert!(
        text.contains(r#"name = "a\U0000202E\U0000200Bb\U00000007""#),
        "{text}"
    );
}

#[test]
fn majors_may_differ_in_deparsed_text_alone() {
    let with = |definition: &str, ty: &str| {
        let mut objects = posts();
        objects[5]
            .attributes
            .insert("definition".to_owned(), definition.to_owned());
        objects[1]
            .attributes
            .insert("type".to_owned(), ty.to_owned());
        objects
    };
    let old = snapshot(15, with(" SELECT posts.id\n FROM posts", "bigint"));
    let new = snapshot(17, with(" SELECT id\n FROM posts", "bigint"));
    let both = Lock::from_snapshots("s", "0", &[(17, &new), (15, &old)]).unwrap();
    assert_eq!(both.majors, [15, 17]);
    assert!(both.write().contains(
        "definition = { 15 = \"\"\"\n SELECT posts.id\n FROM posts\"\"\", 17 = \"\"\"\n SELECT id"
    ));
    round_trip(&both);

    let alone = both.restricted(&[17, 18]);
    assert_eq!(
        alone,
        Lock::from_snapshots("s", "0", &[(17, &new)]).unwrap()
    );
    assert!(both.restricted(&[16]).majors.is_empty());

    let other = snapshot(17, with("x", "integer"));
    let error = Lock::from_snapshots("s", "0", &[(15, &old), (17, &other)]).unwrap_err();
    assert_eq!(
        error.0,
        "set s: attribute type of column public.posts.id is not the same on PostgreSQL 15, 17"
    );
    let fewer = snapshot(17, posts().into_iter().skip(1).collect());
    let error = Lock::from_snapshots("s", "0", &[(15, &old), (17, &fewer)]).unwrap_err();
    assert_eq!(
        error.0,
        "set s: table public.posts is not there on PostgreSQL 17, but on another major version"
    );
    assert!(Lock::from_snapshots("s", "0", &[]).is_err());
}

#[test]
fn one_line_in_a_list_may_differ_by_major() {
    let with = |default: &str| {
        let column = [("type", "text"), ("default", default)];
        vec![
            object(Kind::Table, ["public", "", "t"], &[]),
            object(Kind::Column, ["public", "t", "c"], &column),
        ]
    };
    let (old, new) = (snapshot(15, with("a\nb")), snapshot(17, with("ab")));
    let lock = Lock::from_snapshots("s", "0", &[(15, &old), (17, &new)]).unwrap();
    assert!(
        lock.write()
            .contains(r#"default = { 15 = "a\nb", 17 = "ab" } },"#)
    );
    let text = lock
        .objects
        .values()
        .nth(1)
        .unwrap()
        .get("default")
        .unwrap();
    assert!(matches!(text, Text::ByMajor(texts) if texts.len() == 2));
    round_trip(&lock);
}

#[test]
fn errors_name_file_and_line() {
    let head = "version = 1\nset = \"s\"\nsum = \"0\"\nmajors = [17]\n";
    let table = "[[object]]\nkind = \"table\"\nname = \"t\"\n";
    let cases = [
        (
            "version = 2\nobjects = 1\n".to_owned(),
            "lock.toml:1: this dbctl reads version 1 ",
        ),
        (
            "version = \"1\"\n".to_owned(),
            "lock.toml:1: this must be a whole number",
        ),
        (
            "set = \"s\"\n".to_owned(),
            "lock.toml:1: no version is given",
        ),
        (format!("{head}x = 1\n"), "lock.toml:5: unknown key x"),
        (format!("{head}x = \n"), "lock.toml:5: "),
        (
            head.replace("[17]", "[17, 17]"),
            "lock.toml:4: major versions must ascend",
        ),
        (
            head.replace("[17]", "[-1]"),
            "lock.toml:4: not a major version",
        ),
        (
            head.replace("sum = \"0\"\n", ""),
            "lock.toml:1: no sum is given",
        ),
        (
            format!("{head}object = 3\n"),
            "lock.toml:5: this must be a list",
        ),
        (
            format!("{head}[[object]]\nkind = \"tabel\"\nname = \"t\"\n"),
            "lock.toml:6: no kind of object has this name",
        ),
        (
            format!("{head}{table}colour = \"red\"\n"),
            "lock.toml:8: unknown key colour",
        ),
        (
            format!("{head}{table}{table}"),
            "lock.toml:8: table t is there twice",
        ),
        (
            format!("{head}{table}columns = [\n {{ name = \"c\" }},\n {{ name = \"c\" }},\n]\n"),
            "lock.toml:10: column t.c is there twice",
        ),
        (
            format!("{head}{table}columns = [\n {{ type = \"text\" }},\n]\n"),
            "lock.toml:9: no name is given",
        ),
        (
            format!("{head}{table}columns = [\n {{ name = \"c\", typ = \"text\" }},\n]\n"),
            "lock.toml:9: unknown key typ",
        ),
        (
            format!("{head}{table}columns = [\n {{ name = \"c\", type = {{ 17 = \"a\" }} }},\n]\n"),
            "lock.toml:9: this must be a text",
        ),
        (
            format!(
                "{head}{table}columns = [\n {{ name = \"c\", default = {{ 16 = \"a\" }} }},\n]\n"
            ),
            "lock.toml:9: not one of the file's major versions",
        ),
        (
            format!("{head}{table}persistence = true\n"),
            "lock.toml:8: this must be a text",
        ),
        (
            format!("{head}[[object]]\nkind = \"sequence\"\nname = \"s\"\ncolumns = []\n"),
            "lock.toml:8: unknown key columns",
        ),
    ];
    for (text, expected) in cases {
        let error = Lock::parse("lock.toml", &text).unwrap_err().0;
        assert!(error.starts_with(expected), "{error:?} for\n{text}");
    }
}
