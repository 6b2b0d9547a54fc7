//! Scripts as people write them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::super::text::Text;
use super::read;

/// What a script tells, one thing a line.
fn told(script: &str) -> Vec<String> {
    let environment: BTreeMap<String, Text> = [
        ("KDB".to_owned(), Text::known("ksocial")),
        ("PW".to_owned(), Text::unknown("PW")),
    ]
    .into();
    let told = read(script, &environment);
    let kinds = [
        ("word", told.words),
        ("table", told.tables),
        ("sql", told.sql),
        ("file", told.files),
        ("script", told.scripts),
    ];
    let texts = kinds.into_iter().flat_map(|(kind, texts)| {
        texts
            .into_iter()
            .map(move |text| format!("{kind} {}", text.shown().trim()))
    });
    texts
        .chain(told.unknown.into_iter().map(|why| format!("unknown {why}")))
        .collect()
}

#[test]
fn names_are_found_in_every_form() {
    for script in [
        "createdb -U postgres ksocial",
        "createdb -Upostgres -T template0 'ksocial'",
        "psql -U postgres ksocial -f /x.sql",
        "psql -dksocial -c 'select 1'",
        "psql --dbname=ksocial",
        "psql -d \"ksocial\"",
        "PGDATABASE=ksocial psql -f /x.sql",
        "export PGDATABASE=ksocial\npsql",
        "DB=ksocial; createdb $DB",
        "createdb \"$KDB\"",
        "createdb ${NOWHERE:-ksocial}",
        "for db in one ksocial; do\n createdb $db\ndone",
        "make() {\n createdb \"$1\"\n}\nmake ksocial",
        "su - postgres -c 'createdb ksocial'",
        "if true; then gosu postgres createdb ksocial; fi",
        "x=$(psql -tA ksocial -c 'select 1')",
        "echo 1 && (createdb ksocial) || true",
        "createdb \\\n  ksocial",
    ] {
        assert!(
            told(script).contains(&"word ksocial".to_owned()),
            "{script}: {:?}",
            told(script)
        );
    }
    for script in [
        "# createdb ksocial",
        "echo ksocial",
        "if true; then echo ksocial; fi",
        "createdb ksocial2",
        "createdb one # ksocial",
    ] {
        assert!(
            !told(script).contains(&"word ksocial".to_owned()),
            "{script}: {:?}",
            told(script)
        );
    }
}

#[test]
fn sql_is_found_in_every_form() {
    for script in [
        "psql <<EOF\nDROP TABLE a\nEOF\n",
        "psql <<-'EOF'\n\tDROP TABLE a\n\tEOF\n",
        "psql <<< 'DROP TABLE a'",
        "cat <<EOF | psql\nDROP TABLE a\nEOF",
        "echo 'DROP TABLE a' | psql",
        "psql -tAc 'DROP TABLE a'",
        "psql --command='DROP TABLE a'",
        "run() { psql \"$@\"; }\nrun <<EOF\nDROP TABLE a\nEOF",
        "su postgres -c \"psql -c 'DROP TABLE a'\"",
        "Q='DROP TABLE a'\npsql -c \"$Q\"",
    ] {
        let is_there = told(script)
            .iter()
            .any(|line| line.starts_with("sql ") && line.ends_with("DROP TABLE a"));
        assert!(is_there, "{script}: {:?}", told(script));
    }
    let conf = "cat > /x.conf <<EOF\nDROP TABLE a\nEOF\n";
    assert!(
        !told(conf).iter().any(|line| line.starts_with("sql")),
        "{:?}",
        told(conf)
    );
}

#[test]
fn what_is_not_in_the_script_is_said() {
    for (script, expected) in [
        ("psql -f /a.sql", "file /a.sql"),
        ("psql < /a.sql", "file /a.sql"),
        ("cat /a.sql | psql", "file /a.sql"),
        (". /a.sh", "script /a.sh"),
        ("bash /a.sh", "script /a.sh"),
        (
            "gunzip -c /a.gz | psql",
            "unknown psql reads what another command writes",
        ),
        ("pg_restore -d x /a.dump", "unknown pg_restore reads a dump"),
        ("createdb $NOWHERE", "unknown createdb is given NOWHERE"),
        (
            "psql -d \"$(cat /x)\"",
            "unknown psql is given what a command writes",
        ),
        ("pg_restore -t k_posts /a", "table k_posts"),
    ] {
        assert!(
            told(script).contains(&expected.to_owned()),
            "{script}: {:?}",
            told(script)
        );
    }
}

#[test]
fn the_usual_scripts_have_no_gap() {
    let piped = "if true; then echo 'SELECT 1' | psql; fi";
    assert!(!told(piped).iter().any(|line| line.starts_with("unknown")));
    let script = "#!/bin/bash\nset -e\npsql -v ON_ERROR_STOP=1 --username \"$POSTGRES_USER\" --dbname \"$POSTGRES_DB\" <<-EOSQL\n\
        \tCREATE USER docker PASSWORD '$PW';\n\tEOSQL\n";
    assert!(
        !told(script).iter().any(|line| line.starts_with("unknown")),
        "{:?}",
        told(script)
    );
}

#[test]
fn whatever_the_text_it_ends() {
    let pieces = [
        "'", "\"", "$(", "${", "`", "<<E\n", "\\", "(", ")", "E\n", "$", "psql ", "|", "#", "\n",
        "é", "$((", "<(", "\u{c}", "\u{a0}", "\u{b}", "\u{2028}", "\r",
    ];
    let mut state: u64 = 20_261_122;
    for _ in 0..2_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(state >> 33).unwrap() % pieces.len();
            text.push_str(pieces.get(at).unwrap());
        }
        told(&text);
    }
    told("pg_isre\u{c}ady --host=h\u{a0}x");
    told(&"$(".repeat(100_000));
    told(&"A=\"$A$A$A$A\"\n".repeat(50));
}
