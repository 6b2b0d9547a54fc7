//! `repair` on real servers: what can be mended is mended and told, and what cannot is told and left as it is.

use std::process::{Child, Stdio};

use nix::sys::signal::Signal;

use crate::lab::{Lab, R, Run, binaries};
use crate::shop::{DB, Holder, ROLE, Shop, join, send, until};

const ONE: (&str, &str) = (
    "V1__one.sql",
    "-- The first.\nCREATE TABLE one (a int, b int);\n",
);
const INDEX: (&str, &str) = ("V2__index.sql", "CREATE INDEX one_a_idx ON one (a);\n");

pub fn repair(shop: &Shop, args: &[&str]) -> Run {
    shop.lab.run(&[&["repair", "--service", R], args].concat())
}

/// Starts `repair` and returns at once.
fn begin(shop: &Shop) -> Child {
    shop.lab
        .command(&["repair", "-q", "--service", R])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Writes the set's lock.
#[track_caller]
pub fn lock(shop: &Shop) {
    let bin = binaries(17, false)
        .expect("PostgreSQL 17: run ./test.sh")
        .bin;
    let bin = bin.to_str().unwrap();
    shop.lab
        .run(&["lock", "-q", "--postgres-bin", bin])
        .exits(0);
}

/// Everything that a repair could change.
fn everything(shop: &Shop) -> String {
    let there =
        |table: &str| shop.sql(&format!("SELECT to_regclass('{table}') IS NOT NULL")) == "t";
    let mut seen = shop.sql("SELECT oid, xmin, relname FROM pg_class ORDER BY oid");
    for table in [
        "dbctl.identity",
        "dbctl.progress",
        "refinery_schema_history",
    ] {
        if there(table) {
            seen.push_str(&shop.sql(&format!("SELECT xmin, * FROM {table} ORDER BY ctid")));
        }
    }
    seen
}

/// Asserts the exit code and the words of a run that changes nothing.
#[track_caller]
pub fn nothing_changed(shop: &Shop, args: &[&str], code: i32, words: &[&str]) {
    let before = everything(shop);
    let mut run = repair(shop, args).exits(code);
    for word in words {
        run = run.says(word);
    }
    assert_eq!(everything(shop), before, "something was changed");
}

/// Asserts that a dry run says what a repair then does.
#[track_caller]
pub fn mends(shop: &Shop, args: &[&str], words: &[&str]) {
    nothing_changed(
        shop,
        &[args, &["--dry-run"]].concat(),
        0,
        &[words, &["would mend"]].concat(),
    );
    let mut run = repair(shop, args).exits(0);
    for word in words {
        run = run.says(word);
    }
    repair(shop, &[])
        .exits(0)
        .says("to repair\n")
        .says("nothing was changed");
}

fn indexes(shop: &Shop) -> String {
    shop.sql(
        "SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index \
         WHERE indrelid = 'one'::regclass",
    )
}

fn invalidate(shop: &Shop, index: &str) {
    shop.sql(&format!(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{index}'::regclass"
    ));
}

#[test]
fn a_cancelled_index_build_is_found_and_mended() {
    let shop = Shop::new(&[ONE, INDEX]);
    lock(&shop);
    shop.migrate(&["-q", "--target", "1"]).exits(0);
    let holder = Holder::new(
        &shop.lab,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM one;",
    );
    std::thread::scope(|scope| {
        let build = scope.spawn(|| {
            shop.lab
                .sql_as(DB, ROLE, "CREATE INDEX CONCURRENTLY one_a_idx ON one (a)")
        });
        let waiting = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting for old snapshots%'";
        until("the build waits for the old transaction", || {
            shop.sql(waiting) == "1"
        });
        nothing_changed(
            &shop,
            &[],
            1,
            &[
                "in migrate's way index public.one_a_idx",
                "builds it right now; a migration that is not applied yet creates it too",
                "left alone",
            ],
        );
        shop.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()");
        let ended = build.join().unwrap().unwrap_err();
        assert!(ended.contains("cancel"), "{ended}");
    });
    assert_eq!(indexes(&shop), "one_a_idx false");
    // The holder's transaction is in the way of the repair as well.
    repair(&shop, &["--lock-timeout", "3s"])
        .exits(6)
        .says("DROP INDEX CONCURRENTLY")
        .says("; blocked by process ")
        .says("--lock-timeout");
    holder.release();
    mends(
        &shop,
        &[],
        &[
            "index public.one_a_idx",
            "not applied yet creates it",
            "the next migrate creates it",
        ],
    );
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(indexes(&shop), "one_a_idx true");
}

#[test]
fn a_run_that_was_killed_in_an_index_build_is_settled() {
    let shop = Shop::new(&[
        ONE,
        (
            "V2__index.sql",
            "CREATE INDEX CONCURRENTLY one_a_idx ON one (a);\n",
        ),
    ]);
    lock(&shop);
    shop.migrate(&["-q", "--target", "1"]).exits(0);
    let holder = Holder::new(
        &shop.lab,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM one;",
    );
    let child = shop.spawn(&["-q"]);
    let waiting = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting for old snapshots%'";
    until("the build waits for the old transaction", || {
        shop.sql(waiting) == "1"
    });
    send(&child, Signal::SIGKILL);
    let mut child = child;
    child.wait().unwrap();
    shop.until_no_backend();
    // The next run names who keeps it from taking the index away, as the first does.
    shop.migrate(&["--lock-timeout", "3s"])
        .exits(6)
        .says("the invalid index public.one_a_idx is to be taken away first")
        .says("; blocked by process ");
    holder.release();
    assert_eq!(indexes(&shop), "one_a_idx false");
    assert_eq!(progress(&shop), "2.1 false");
    let report = shop.lab.json(&["repair", "--service", R, "--dry-run"], 0);
    assert_eq!(
        report["services"][0]["items"].as_array().unwrap().len(),
        1,
        "{report}"
    );
    mends(
        &shop,
        &[],
        &[
            "V2__index.sql, line 1",
            "left the invalid index public.one_a_idx",
            "DROP INDEX CONCURRENTLY",
            "then forgotten: the next migrate runs it",
        ],
    );
    assert_eq!(progress(&shop), "");
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(indexes(&shop), "one_a_idx true");
}

#[test]
fn a_statement_that_ran_is_marked_as_done() {
    let shop = Shop::new(&[
        ONE,
        (
            "V2__index.sql",
            "CREATE INDEX CONCURRENTLY one_a_idx ON one (a);\nCREATE TABLE one (a int);\n",
        ),
    ]);
    shop.migrate(&["-q"]).exits(5);
    // What stands in the way of the next statement is told as that.
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "in migrate's way version 2: V2__index.sql is unfinished: 1 of 2 statements ran",
            "stops at V2__index.sql, line 2 (CREATE TABLE one (a int)): relation one already exists",
        ],
    );
    shop.sql("UPDATE dbctl.progress SET done = false");
    shop.file(
        "V2__index.sql",
        "CREATE INDEX CONCURRENTLY one_a_idx ON one (a);\nSELECT 1 / (count(*) - count(*)) FROM one;\n",
    );
    nothing_changed(&shop, &["--not-run"], 3, &["there is none"]);
    let goes_on = [
        "left version 2: V2__index.sql is unfinished: 1 of 2 statements ran",
        "dbctl migrate --service rgb-lightning-node goes on from there; dbctl repair --service rgb-lightning-node --forget 2 gives it up, and what ran stays",
    ];
    let words = [
        "the catalog shows that it ran",
        "the next migrate goes on behind it",
    ];
    mends(&shop, &[], &[&words[..], &goes_on].concat());
    assert_eq!(progress(&shop), "2.1 true");
    nothing_changed(&shop, &[], 0, &goes_on);
    // What it has made stands in the way of beginning anew.
    let words = [
        "begins the version anew",
        "stops at V2__index.sql, line 1",
        "1 in migrate's way",
    ];
    nothing_changed(&shop, &["--forget", "2", "--dry-run"], 1, &words);
    let run = repair(&shop, &["--forget", "2"]).exits(1);
    words.iter().fold(run, |run, word| run.says(word));
    shop.migrate(&["-q"]).exits(5);
}

#[test]
fn an_invalid_index_is_treated_by_where_it_comes_from() {
    let shop = Shop::new(&[ONE, INDEX]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    invalidate(&shop, "one_a_idx");
    mends(
        &shop,
        &[],
        &[
            "index public.one_a_idx on public.one",
            "REINDEX INDEX CONCURRENTLY public.one_a_idx",
        ],
    );
    assert_eq!(indexes(&shop), "one_a_idx true");

    shop.lab
        .sql_as(
            DB,
            ROLE,
            "CREATE INDEX one_a_idx_ccnew1 ON one (a); CREATE INDEX theirs ON one (b)",
        )
        .unwrap();
    invalidate(&shop, "one_a_idx_ccnew1");
    mends(
        &shop,
        &[],
        &[
            "index public.one_a_idx_ccnew1",
            "half of a REINDEX CONCURRENTLY",
            "DROP INDEX CONCURRENTLY",
        ],
    );
    assert_eq!(indexes(&shop), "one_a_idx true, theirs true");

    invalidate(&shop, "theirs");
    nothing_changed(
        &shop,
        &[],
        0,
        &[
            "no version of the set has it",
            "DROP INDEX CONCURRENTLY public.theirs",
        ],
    );
}

#[test]
fn what_the_server_does_not_let_repair_mend_keeps_nothing_else_from_it() {
    let reindex = ("V2__reindex.sql", "REINDEX TABLE CONCURRENTLY orders;\n");
    let shop = Shop::new(&[
        (
            "V1__orders.sql",
            "CREATE TABLE orders (id int PRIMARY KEY, note text);\n",
        ),
        reindex,
    ]);
    lock(&shop);
    shop.migrate(&["-q", "--target", "1"]).exits(0);
    let holder = Holder::new(
        &shop.lab,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM orders;",
    );
    let mut child = shop.spawn(&["-q"]);
    shop.until_backend("query LIKE 'REINDEX%' AND wait_event_type = 'Lock'");
    send(&child, Signal::SIGKILL);
    child.wait().unwrap();
    shop.until_no_backend();
    holder.release();
    let toast = shop.sql(
        "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid AND indexrelid::regclass::text LIKE 'pg_toast.%'",
    );
    assert!(toast.ends_with("_index_ccnew"), "{toast}");
    shop.sql("UPDATE refinery_schema_history SET applied_on = 'then'");
    // Both runs say what stays, and neither stops at it.
    let words = [
        "orders_pkey_ccnew",
        "its time is now",
        &format!("index {toast} on public.orders"),
        "permission denied for schema pg_toast",
        &format!("a superuser: DROP INDEX CONCURRENTLY IF EXISTS {toast}"),
    ];
    nothing_changed(&shop, &["--dry-run"], 0, &words);
    let mut run = repair(&shop, &[]).exits(0);
    for word in words {
        run = run.says(word);
    }
    nothing_changed(&shop, &[], 0, &["1 left alone"]);
    shop.migrate(&["-q"]).exits(0);
    shop.sql(&format!("DROP INDEX CONCURRENTLY IF EXISTS {toast}"));
    repair(&shop, &[]).exits(0).says("nothing to repair");
}

#[test]
fn a_history_that_the_role_may_not_write_is_told_and_left() {
    let shop = Shop::new(&[ONE, INDEX]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    let role = shop.lab.db(ROLE);
    shop.sql(&format!(
        "UPDATE refinery_schema_history SET applied_on = 'then'; ALTER TABLE refinery_schema_history OWNER TO postgres; \
         GRANT SELECT ON refinery_schema_history TO {role}"
    ));
    let report = shop.lab.json(&["repair", "--service", R], 1);
    let items = report["services"][0]["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{report}");
    for item in items {
        assert_eq!(item["state"], "blocks", "{report}");
        assert!(
            item["action"].as_str().unwrap().contains("42501"),
            "{report}"
        );
    }
    assert_eq!(report["services"][0]["outcome"], "complete", "{report}");
}

#[test]
fn an_interrupted_repair_is_taken_up_by_the_next() {
    let shop = Shop::new(&[ONE, INDEX]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    invalidate(&shop, "one_a_idx");
    let holder = Holder::new(
        &shop.lab,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM one;",
    );
    let child = begin(&shop);
    shop.until_backend("query LIKE 'REINDEX%' AND wait_event_type = 'Lock'");
    send(&child, Signal::SIGINT);
    join(child)
        .exits(130)
        .says("interrupted")
        .says("dbctl repair");
    shop.until_no_backend();
    holder.release();
    repair(&shop, &[])
        .exits(0)
        .says("REINDEX INDEX CONCURRENTLY public.one_a_idx");
    assert_eq!(indexes(&shop), "one_a_idx true");
    repair(&shop, &[]).exits(0).says("nothing to repair");
}

#[test]
fn books_that_somebody_has_locked_end_the_run_as_locked() {
    let shop = Shop::new(&[ONE, INDEX, ("V3__vacuum.sql", "VACUUM one;\n")]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    for table in [
        "dbctl.identity",
        "refinery_schema_history",
        "dbctl.progress",
    ] {
        let holder = Holder::new(
            &shop.lab,
            &format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;"),
        );
        repair(&shop, &["--lock-timeout", "700ms"])
            .exits(6)
            .says("(the-holder)")
            .says(table)
            .says("try again when the table is free, or raise --lock-timeout");
        let child = begin(&shop);
        shop.until_backend("wait_event_type = 'Lock'");
        send(&child, Signal::SIGTERM);
        join(child)
            .exits(130)
            .says("interrupted")
            .says(&format!("dbctl repair --service {R}"));
        shop.until_no_backend();
        holder.release();
    }
    repair(&shop, &[]).exits(0).says("nothing to repair");
}

#[test]
fn a_table_of_somebody_elses_is_not_touched() {
    let shop = Shop::new(&[ONE]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    shop.sql("CREATE TABLE theirs (a int); CREATE INDEX theirs_a_ccnew ON theirs (a)");
    invalidate(&shop, "theirs_a_ccnew");
    nothing_changed(&shop, &[], 0, &["nothing to repair"]);
}

#[test]
fn a_constraint_that_is_not_validated_is_explained() {
    let shop = Shop::new(&[ONE]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    shop.lab
        .sql_as(
            DB,
            ROLE,
            "ALTER TABLE one ADD CONSTRAINT positive CHECK (a > 0) NOT VALID",
        )
        .unwrap();
    let statement = "ALTER TABLE public.one VALIDATE CONSTRAINT positive";
    nothing_changed(
        &shop,
        &[],
        0,
        &["constraint positive of public.one", statement],
    );
    shop.lab.sql_as(DB, ROLE, statement).unwrap();
    repair(&shop, &[]).exits(0).says("nothing to repair");
}

/// A shop whose V2 was cut off in its second statement, a call whose fate no catalog tells.
fn cut_off() -> Shop {
    let shop = Shop::new(&[
        (
            "V1__one.sql",
            "CREATE TABLE one (a int);\nCREATE PROCEDURE tidy() LANGUAGE sql AS 'INSERT INTO public.one VALUES (1)';\n",
        ),
        (
            "V2__two.sql",
            "-- dbctl:no-transaction\nCREATE TABLE two (a int);\nCALL tidy();\nCREATE TABLE one (a int);\n",
        ),
    ]);
    shop.migrate(&["-q"]).exits(5);
    shop.file("V2__two.sql", "-- dbctl:no-transaction\nCREATE TABLE two (a int);\nCALL tidy();\nCREATE TABLE three (a int);\n");
    lock(&shop);
    assert_eq!(
        shop.sql("SELECT count(*), bool_and(done) FROM dbctl.progress"),
        "2|t"
    );
    shop.sql("UPDATE dbctl.progress SET done = false WHERE statement = 2");
    shop
}

fn progress(shop: &Shop) -> String {
    shop.sql("SELECT coalesce(string_agg(version || '.' || statement || ' ' || done, ', ' ORDER BY version, statement), '') FROM dbctl.progress")
}

#[test]
fn a_statement_whose_fate_is_not_known_needs_the_operators_word() {
    let rows = |shop: &Shop| shop.sql("SELECT count(*) FROM one");
    for (flag, after, calls) in [
        ("--ran", "2.1 true, 2.2 true", "1"),
        ("--not-run", "2.1 true", "2"),
    ] {
        let shop = cut_off();
        shop.lab
            .run(&["status"])
            .exits(0)
            .says("V2 unfinished: 1 of 3 statements ran")
            .says("dbctl repair");
        shop.migrate(&["--dry-run"])
            .exits(5)
            .says("V2, line 3: the run would stop here")
            .says("line 3: CALL tidy()");
        nothing_changed(
            &shop,
            &[],
            5,
            &[
                "V2__two.sql, line 3 (CALL tidy())",
                "does not tell whether it ran",
                "--ran",
                "--not-run",
            ],
        );
        let report = shop.lab.json(&["repair", "--service", R], 5);
        assert_eq!(
            report["services"][0]["items"][0]["state"], "needs_word",
            "{report}"
        );
        assert_eq!(
            report["services"][0]["items"][0]["kind"], "statement",
            "{report}"
        );
        mends(&shop, &[flag], &["on your word"]);
        assert_eq!(progress(&shop), after);
        shop.migrate(&["-q"]).exits(0);
        assert_eq!(
            (shop.history(), rows(&shop)),
            ("1 one, 2 two".to_owned(), calls.to_owned())
        );
        assert_eq!(progress(&shop), "");
        nothing_changed(&shop, &[flag], 3, &["there is none"]);
    }
    let shop = cut_off();
    repair(&shop, &["--ran", "--not-run"]).exits(2);
}

#[test]
fn a_statement_that_can_be_repeated_is_forgotten() {
    let shop = Shop::new(&[
        ("V1__one.sql", "CREATE TABLE one (a int);\n"),
        (
            "V2__two.sql",
            "-- dbctl:no-transaction\nVACUUM one;\nSELECT 1 / (count(*) - count(*)) FROM one;\n",
        ),
    ]);
    shop.migrate(&["-q"]).exits(5);
    shop.sql("UPDATE dbctl.progress SET done = false");
    mends(
        &shop,
        &[],
        &[
            "V2__two.sql, line 2 (VACUUM one)",
            "forgotten: the next migrate runs it",
        ],
    );
    assert_eq!(progress(&shop), "");
}

#[test]
fn what_was_edited_or_taken_away_while_unfinished_is_explained_and_can_be_forgotten() {
    let shop = cut_off();
    let text = std::fs::read_to_string(shop.path("V2__two.sql")).unwrap();
    shop.file("V2__two.sql", &text.replace("two (a int)", "two (a text)"));
    nothing_changed(
        &shop,
        &["--ran", "--dry-run"],
        1,
        &[
            "V2__two.sql, line 2: it ran, and its text was edited since",
            "--forget 2",
        ],
    );
    shop.file(
        "V2__two.sql",
        "-- dbctl:no-transaction\nCREATE TABLE two (a int);\n",
    );
    nothing_changed(&shop, &[], 1, &["now has only 1 statements"]);
    std::fs::remove_file(shop.path("V2__two.sql")).unwrap();
    nothing_changed(
        &shop,
        &[],
        1,
        &["set shop has no such version", "--forget 2"],
    );
    shop.migrate(&[]).exits(3).says("version 2 is not finished");
    nothing_changed(&shop, &["--forget", "9"], 3, &["no entry of version 9"]);
    mends(
        &shop,
        &["--forget", "2"],
        &[
            "statements ran: 1; statements begun: 2",
            "Set shop has no such version, so no migrate runs it again",
            "what it has made is left behind (statement 1 ran to its end)",
        ],
    );
    assert_eq!(progress(&shop), "");
    shop.file(
        "V2__two.sql",
        &text.replace("TABLE two", "TABLE IF NOT EXISTS two"),
    );
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.sql("SELECT count(*) FROM one"), "2");
    // What the history calls finished and the books do not.
    shop.sql("INSERT INTO dbctl.progress (version, statement, sum, done, indexes) VALUES (2, 1, '', true, '{}')");
    nothing_changed(
        &shop,
        &[],
        1,
        &["the history says that the version is finished"],
    );
    mends(
        &shop,
        &["--forget", "2"],
        &["forgotten: the history says that the version is finished"],
    );
}

#[test]
fn a_row_that_says_nothing_is_not_called_an_edited_file() {
    let shop = Shop::new(&[ONE, INDEX]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    for (broken, said) in [
        (
            "checksum = NULL",
            "the history says nothing of the text of V1__one.sql, applied on 2",
        ),
        (
            "checksum = '', name = '', applied_on = ''",
            "the history says nothing of version 1 but that it was applied: name and checksum of its row are empty; the set has V1__one.sql",
        ),
    ] {
        shop.sql(&format!(
            "UPDATE refinery_schema_history SET {broken} WHERE version = 1"
        ));
        migrate_refuses(
            &shop,
            &[said, "dbctl repair --service rgb-lightning-node proves"],
        );
        mends(&shop, &[], &[said, "are now those of V1__one.sql"]);
    }
}

fn rows(shop: &Shop) -> String {
    shop.sql(
        "SELECT version, name, checksum, applied_on FROM refinery_schema_history ORDER BY version",
    )
}

#[test]
fn an_edited_comment_is_accepted_after_proof_and_an_edited_statement_is_not() {
    let shop = Shop::new(&[
        ONE,
        INDEX,
        ("V3__three.sql", "CREATE TABLE three (a int);\n"),
    ]);
    lock(&shop);
    shop.migrate(&["-q", "--target", "2"]).exits(0);
    shop.file(
        "V1__one.sql",
        "-- The very first.\nCREATE TABLE one (a int, b int);\n",
    );
    shop.migrate(&[]).exits(3).says("V1__one.sql was edited");
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "V1__one.sql was edited",
            "older than its set: run dbctl lock --service rgb-lightning-node, review it and check it in, then run dbctl repair --service rgb-lightning-node again; otherwise give the file back",
        ],
    );
    lock(&shop);
    // A catalog that is another's proves nothing.
    shop.lab
        .sql_as(DB, ROLE, "CREATE TABLE stray (a int)")
        .unwrap();
    nothing_changed(&shop, &[], 1, &["not proven to be that of version 2"]);
    shop.lab.sql_as(DB, ROLE, "DROP TABLE stray").unwrap();
    let before = rows(&shop);
    mends(
        &shop,
        &[],
        &[
            "version 1 in refinery_schema_history",
            "are now those of V1__one.sql",
        ],
    );
    let (before, after) = (before.lines().collect::<Vec<_>>().join("\n"), rows(&shop));
    assert_ne!(before, after);
    assert_eq!(before.lines().next_back(), after.lines().next_back());
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.history(), "1 one, 2 index, 3 three");

    shop.file(
        "V1__one.sql",
        "-- The very first.\nCREATE TABLE one (a int, b bigint);\n",
    );
    lock(&shop);
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "V1__one.sql was edited",
            "not proven to be that of version 3",
            "put the change into a new version",
        ],
    );
}

#[test]
fn rows_edited_by_hand_are_mended_where_that_loses_nothing() {
    let shop = Shop::new(&[ONE, INDEX]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    let good =
        shop.sql("SELECT version, name, checksum FROM refinery_schema_history ORDER BY version");
    for broken in [
        "applied_on = '31.01.2026 12:00'",
        "applied_on = NULL",
        "checksum = 'none'",
        "checksum = NULL",
        "checksum = '0', applied_on = ''",
        "name = 'other'",
        "name = NULL, checksum = NULL, applied_on = NULL",
    ] {
        shop.sql(&format!(
            "UPDATE refinery_schema_history SET {broken} WHERE version = 1"
        ));
        shop.migrate(&[]).exits(3);
        mends(&shop, &[], &["version 1 in refinery_schema_history"]);
        assert_eq!(
            shop.sql(
                "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version"
            ),
            good,
            "{broken}"
        );
        assert_eq!(shop.sql("SELECT count(*) FROM refinery_schema_history WHERE applied_on::timestamptz > now() - interval '10min'"), "2", "{broken}");
        shop.migrate(&["-q"]).exits(0);
    }
}

#[test]
fn what_no_repair_can_know_is_explained() {
    let shop = Shop::new(&[ONE, INDEX]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    shop.sql("INSERT INTO refinery_schema_history VALUES (9, 'gone', '2026-01-31T12:00:00Z', '7')");
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "V9__gone.sql",
            "DELETE FROM public.refinery_schema_history WHERE version = 9",
        ],
    );
    shop.sql("DELETE FROM refinery_schema_history WHERE version = 9");
    shop.file("V4__four.sql", "SELECT 4;\n");
    shop.migrate(&["-q"]).exits(0);
    shop.file("V3__three.sql", "SELECT 3;\n");
    nothing_changed(
        &shop,
        &[],
        1,
        &["V3__three.sql was never applied", "a version above 4"],
    );
    std::fs::remove_file(shop.path("V3__three.sql")).unwrap();
    shop.sql(
        "ALTER TABLE refinery_schema_history DROP CONSTRAINT refinery_schema_history_pkey; \
         INSERT INTO refinery_schema_history SELECT version, name, 'then', checksum FROM refinery_schema_history WHERE version = 1; \
         ALTER TABLE refinery_schema_history ALTER COLUMN version DROP NOT NULL; INSERT INTO refinery_schema_history (name) VALUES ('nothing')",
    );
    nothing_changed(
        &shop,
        &[],
        1,
        &["holds version 1 more than once", "delete the other"],
    );
}

#[test]
fn a_database_that_is_not_the_services_is_refused() {
    let mut lab = Lab::migrated();
    let run = |lab: &Lab| lab.run(&["repair", "--service", R]);
    run(&lab).exits(0).says("nothing to repair");
    lab.sql(DB, "UPDATE dbctl.identity SET service = 'somebody'");
    run(&lab)
        .exits(3)
        .says("belongs to service somebody")
        .says("nothing was changed");
    lab.env.insert(
        "RGB_USERS_URL".to_owned(),
        lab.url("ksocial", "k_social_user"),
    );
    run(&lab)
        .exits(3)
        .says("which is the database of k-indexer");
    let port = crate::migrate::free_port();
    lab.env.insert(
        "RGB_USERS_URL".to_owned(),
        format!("postgresql://u:c4nary@127.0.0.1:{port}/{}", lab.db(DB)),
    );
    run(&lab).exits(4);

    let shop = Shop::new(&[ONE]);
    nothing_changed(&shop, &[], 3, &["has no stamp and no history"]);
    shop.migrate(&["-q"]).exits(0);
    let holder = Holder::new(&shop.lab, "SELECT pg_advisory_lock(x'646263746c'::bigint);");
    nothing_changed(
        &shop,
        &["--lock-timeout", "300ms"],
        6,
        &["another runner works on this database"],
    );
    holder.release();
}

#[test]
fn a_reader_without_a_grant_for_the_books_sees_the_status_all_the_same() {
    let mut shop = cut_off();
    let seen = shop.lab.json(&["status"], 0);
    let unfinished = &seen["services"][0]["unfinished"];
    assert_eq!(
        unfinished.to_string(),
        r#"[{"version":2,"done":1,"begun":1,"total":3}]"#,
        "{seen}"
    );
    let role = shop.lab.db(ROLE);
    shop.sql(&format!(
        "ALTER TABLE dbctl.progress OWNER TO postgres; REVOKE ALL ON dbctl.progress FROM {role}"
    ));
    let seen = shop.lab.json(&["status"], 0);
    assert!(seen["services"][0]["unfinished"].is_null(), "{seen}");
    assert_eq!(seen["services"][0]["state"], "pending", "{seen}");
    shop.sql("DROP TABLE dbctl.progress");
    assert_eq!(
        shop.lab.json(&["status"], 0)["services"][0]["unfinished"].to_string(),
        "[]"
    );
    // Another tool's history is told where there is none of dbctl's.
    shop.sql("TRUNCATE refinery_schema_history; CREATE TABLE alembic_version (version_num text)");
    shop.lab
        .run(&["status"])
        .exits(1)
        .says("holds Alembic's history (public.alembic_version)")
        .says("dbctl baseline");
    let seen = shop.lab.json(&["status"], 1);
    assert_eq!(
        seen["services"][0]["other_histories"][0]["tool"], "Alembic",
        "{seen}"
    );
    shop.lab.env.clear();
}

#[test]
fn a_begun_migration_whose_file_is_gone_is_in_the_way_of_everyone() {
    let twice = (
        "V2__twice.sql",
        "CREATE TABLE two (a int);\nINSERT INTO two VALUES (1), (1);\nCREATE UNIQUE INDEX CONCURRENTLY two_idx ON two (a);\n",
    );
    let shop = Shop::new(&[ONE, twice]);
    shop.migrate(&["-q"]).exits(5);
    std::fs::remove_file(shop.path(twice.0)).unwrap();
    let said = "dbctl.progress says that version 2 is not finished";
    // Nothing is pending, and that is not all.
    shop.migrate(&[])
        .exits(3)
        .says(said)
        .says("bring its file back")
        .says("--forget 2");
    shop.migrate(&["--dry-run"]).exits(3).says(said);
    let seen = shop.lab.json(&["status"], 1);
    assert_eq!(seen["services"][0]["state"], "divergent", "{seen}");
    shop.lab.run(&["status"]).exits(1).says(said);
    nothing_changed(
        &shop,
        &[],
        1,
        &["set shop has no such version", "in migrate's way"],
    );
    // A text that was edited after it has run is told by status before migrate refuses it.
    shop.file(twice.0, &twice.1.replace("(1), (1)", "(1), (2)"));
    let edited = "statement 2 was edited after it has run";
    shop.lab.run(&["status"]).exits(1).says(edited);
    shop.migrate(&[]).exits(3).says(edited);
    std::fs::remove_file(shop.path(twice.0)).unwrap();
    repair(&shop, &["--forget", "2"]).exits(0);
    shop.migrate(&[]).exits(0).says("nothing to do");
    shop.lab.run(&["status"]).exits(0).says("up to date");
}

#[test]
fn a_renamed_file_and_one_that_was_put_in_between_have_their_next_step() {
    let shop = Shop::new(&[ONE, ("V4__four.sql", "CREATE TABLE four (a int);\n")]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    std::fs::rename(shop.path("V4__four.sql"), shop.path("V4__vier.sql")).unwrap();
    shop.migrate(&[])
        .exits(3)
        .says("version 4 is V4__four.sql in the history but V4__vier.sql in the set; give the file its old name back")
        .says("run dbctl lock --service rgb-lightning-node first and then dbctl repair --service rgb-lightning-node, which takes the new name over");
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "run dbctl lock",
            "otherwise give the file back its old name",
        ],
    );
    lock(&shop);
    mends(&shop, &[], &["are now those of V4__vier.sql"]);
    assert_eq!(shop.history(), "1 one, 4 vier");

    shop.file("V3__three.sql", "CREATE TABLE three (a int);\n");
    shop.file("V5__five.sql", "CREATE TABLE five (a int);\n");
    let advice = "rename it to V6__three.sql (and its down script with it), then run dbctl lock --service rgb-lightning-node";
    shop.migrate(&[]).exits(3).says(advice);
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "in migrate's way V3__three.sql: ",
            "nothing in the database is to be mended",
            advice,
        ],
    );
    std::fs::rename(shop.path("V3__three.sql"), shop.path("V6__three.sql")).unwrap();
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.history(), "1 one, 4 vier, 5 five, 6 three");
}

/// Refused by migrate with these words.
#[track_caller]
pub fn migrate_refuses(shop: &Shop, words: &[&str]) {
    let mut run = shop.migrate(&[]).exits(3);
    for word in words {
        run = run.says(word);
    }
}

#[test]
fn another_migration_under_an_applied_version_is_not_taken_over() {
    let one = ("V1__one.sql", "CREATE TABLE one (a int);\n");
    let shop = Shop::new(&[one, ("V2__seed_b.sql", "INSERT INTO one VALUES (2);\n")]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    std::fs::remove_file(shop.path("V2__seed_b.sql")).unwrap();
    shop.file("V2__seed_a.sql", "INSERT INTO one VALUES (1);\n");
    lock(&shop);
    let words = [
        "version 2 is V2__seed_b.sql in the history but V2__seed_a.sql in the set, and their texts differ too",
        "bring V2__seed_b.sql back and give this one a higher version: rename it to V3__seed_a.sql",
    ];
    migrate_refuses(&shop, &words);
    nothing_changed(&shop, &[], 1, &words);
    // As it is told.
    std::fs::rename(shop.path("V2__seed_a.sql"), shop.path("V3__seed_a.sql")).unwrap();
    shop.file("V2__seed_b.sql", "INSERT INTO one VALUES (2);\n");
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.history(), "1 one, 2 seed_b, 3 seed_a");
    assert_eq!(shop.sql("SELECT sum(a) FROM one"), "3");
}

#[test]
fn edited_statements_that_change_rows_are_told_as_not_run_again() {
    let seed = ("V2__seed.sql", "INSERT INTO one VALUES (1);\n");
    let shop = Shop::new(&[("V1__one.sql", "CREATE TABLE one (a int);\n"), seed]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    shop.file(
        seed.0,
        "INSERT INTO one VALUES (2);\nDELETE FROM one WHERE a = 3;\n",
    );
    migrate_refuses(
        &shop,
        &[
            "V2__seed.sql was edited after it was applied on 2",
            "or its row in the history was",
        ],
    );
    lock(&shop);
    mends(
        &shop,
        &[],
        &[
            "are now those of V2__seed.sql",
            "the statements on lines 1, 2 may change rows and were not run again",
        ],
    );
    assert_eq!(shop.sql("SELECT sum(a) FROM one"), "1");
}

const THREE: (&str, &str) = ("V3__three.sql", "CREATE TABLE three (a int);\n");

fn forget(shop: &Shop, version: i32) {
    shop.sql(&format!(
        "DELETE FROM refinery_schema_history WHERE version = {version}"
    ));
}

#[test]
fn the_lost_row_of_the_newest_version_is_written_after_proof() {
    let seed = ("V4__seed.sql", "INSERT INTO three VALUES (1);\n");
    let shop = Shop::new(&[ONE, INDEX, THREE, seed]);
    lock(&shop);
    shop.migrate(&["-q", "--target", "3"]).exits(0);
    let good = "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version";
    let before = shop.sql(good);
    forget(&shop, 3);
    shop.migrate(&[]).exits(5).says("already exists");
    // A lock that is older than its set proves nothing: what there is to see is told, and what to do.
    shop.file(seed.0, &format!("-- Edited.\n{}", seed.1));
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "in migrate's way",
            "the history does not have V3__three.sql, and what it creates is there: the row may be lost",
            "older than its set: run dbctl lock",
            "then run dbctl repair --service rgb-lightning-node again",
        ],
    );
    shop.file(seed.0, seed.1);
    // Nor does a catalog that differs, and the nearest version is told.
    shop.lab
        .sql_as(DB, ROLE, "CREATE TABLE stray (a int)")
        .unwrap();
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "in migrate's way",
            "comes nearest to that of version 3",
            "the row may be lost",
            "not proven",
        ],
    );
    shop.lab.sql_as(DB, ROLE, "DROP TABLE stray").unwrap();
    // Of what changes rows alone no catalog tells whether it ran, and its row may be lost with the others.
    nothing_changed(
        &shop,
        &[],
        5,
        &[
            "needs your word V4__seed.sql",
            "the history has lost rows (V3__three.sql)",
        ],
    );
    let untold = [
        "left V4__seed.sql: it is pending and leaves the same catalog as version 3",
        "INSERT INTO public.refinery_schema_history VALUES (4, 'seed', '",
    ];
    mends(
        &shop,
        &["--not-run"],
        &[
            "version 3 in refinery_schema_history",
            "the catalog is proven to be that of version 3",
            "left V4__seed.sql",
        ],
    );
    assert_eq!(shop.sql(good), before);
    nothing_changed(&shop, &[], 0, &untold);
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.history(), "1 one, 2 index, 3 three, 4 seed");
    repair(&shop, &[]).exits(0).says("nothing to repair");
    // All of them.
    shop.sql("DELETE FROM refinery_schema_history");
    mends(&shop, &["--ran"], &["version 1 in", "version 4 in"]);
    assert_eq!(shop.history(), "1 one, 2 index, 3 three, 4 seed");
    shop.migrate(&["-q"]).exits(0);
    assert_eq!(shop.sql("SELECT count(*) FROM three"), "1");
}

#[test]
fn a_lost_row_in_the_middle_is_written_after_proof() {
    let seed = ("V2__seed.sql", "INSERT INTO one VALUES (1);\n");
    let shop = Shop::new(&[
        ONE,
        seed,
        THREE,
        ("V4__four.sql", "CREATE TABLE four (a int);\n"),
    ]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    let good = "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version";
    let before = shop.sql(good);
    forget(&shop, 3);
    migrate_refuses(
        &shop,
        &[
            "where the database holds what the file makes and only its row is lost, dbctl repair --service rgb-lightning-node proves that and writes the row; else \
             rename it to V5__three.sql",
            "databases that have applied it already take the new number over with dbctl repair --service rgb-lightning-node",
        ],
    );
    mends(
        &shop,
        &[],
        &[
            "version 3 in refinery_schema_history",
            "its row is there again",
        ],
    );
    assert_eq!(shop.sql(good), before);
    // What leaves no trace in the catalog cannot be proven.
    forget(&shop, 2);
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "in migrate's way V2__seed.sql",
            "cannot be proven that it ran",
        ],
    );
}

#[test]
fn a_renumbered_file_takes_its_row_with_it() {
    let shop = Shop::new(&[ONE, THREE]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    // On another branch, for a database that had applied a version 4 first.
    std::fs::rename(shop.path(THREE.0), shop.path("V5__three.sql")).unwrap();
    let fact = "V5__three.sql is what this database applied as version 3";
    migrate_refuses(
        &shop,
        &[
            fact,
            "dbctl repair --service rgb-lightning-node gives the row its new number",
        ],
    );
    nothing_changed(&shop, &[], 1, &[fact, "run dbctl lock"]);
    lock(&shop);
    shop.lab
        .run(&["verify", "--service", R, "--no-login-proof"])
        .says(fact);
    mends(&shop, &[], &[fact, "its version is now 5"]);
    assert_eq!(shop.history(), "1 one, 5 three");
    shop.migrate(&[]).exits(0).says("nothing to do");
    // Another version that was not applied here has to come first, under the old number.
    std::fs::rename(shop.path("V5__three.sql"), shop.path("V7__three.sql")).unwrap();
    shop.file("V6__six.sql", "CREATE TABLE six (a int);\n");
    lock(&shop);
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "not proven to be that of version 7",
            "bring V5__three.sql back",
        ],
    );
}

#[test]
fn a_lost_row_of_what_ran_by_statement_has_its_way_out() {
    let index = (
        "V2__index.sql",
        "ANALYZE one;\nCREATE UNIQUE INDEX CONCURRENTLY one_a_idx ON one (a);\n",
    );
    let shop = Shop::new(&[ONE, index]);
    lock(&shop);
    shop.migrate(&["-q"]).exits(0);
    forget(&shop, 2);
    let way = format!("dbctl repair --service {R} --forget 2");
    shop.migrate(&[])
        .exits(5)
        .says("it is there already")
        .says(&format!("{way} forgets"));
    nothing_changed(
        &shop,
        &[],
        1,
        &[
            "relation one_a_idx already exists",
            "V2__index.sql is unfinished, and the catalog is proven to be that of version 2 already",
            &format!(
                "the row is lost: {way} then forgets the statements, and dbctl repair --service {R} alone proves"
            ),
        ],
    );
    // What is given up is not finished in the same breath.
    repair(&shop, &["--forget", "2"]).says("the row of V2__index.sql may be lost");
    assert_eq!(shop.history(), "1 one");
    mends(&shop, &[], &["its row is there again"]);
    assert_eq!(shop.history(), "1 one, 2 index");
    shop.migrate(&[]).exits(0).says("nothing to do");
}
