//! Steps in memory, in the order that they need.

use super::{Act, Step, rank, sorted, words};

fn step(act: Act, kind: &str, name: &str, needs: &str, runs: &str) -> Step {
    let set = |text: &str| {
        let mut into = std::collections::BTreeSet::new();
        words(text, &mut into);
        into
    };
    Step {
        act,
        rank: rank(act, kind, runs),
        name: set(name),
        needs: set(needs),
        runs: set(runs),
    }
}

#[test]
fn what_uses_another_goes_first_and_what_is_used_is_made_first() {
    let steps = [
        step(
            Act::Make,
            "view",
            "b_view",
            "",
            "CREATE VIEW b_view AS SELECT f() FROM a_view",
        ),
        step(
            Act::Make,
            "view",
            "a_view",
            "",
            "CREATE VIEW a_view AS SELECT 1",
        ),
        step(
            Act::Make,
            "function",
            "f",
            "",
            "CREATE FUNCTION f() RETURNS mood",
        ),
        step(Act::Make, "type", "mood", "", "CREATE TYPE mood"),
        step(Act::Drop, "type", "kind", "ENUM", ""),
        step(Act::Drop, "view", "under", "SELECT x", ""),
        step(Act::Drop, "view", "over", "SELECT y FROM under", ""),
        step(Act::Drop, "table", "holder", "public.kind", ""),
        step(Act::Drop, "function", "given", "", ""),
        step(
            Act::Change,
            "column",
            "t.c",
            "default given()",
            "ALTER TABLE t ALTER COLUMN c SET DEFAULT f()",
        ),
    ];
    let places = sorted(&steps);
    let place = |at: usize| places.get(at).copied().unwrap_or_default();
    for (first, second) in [(1, 0), (2, 0), (3, 2), (7, 4), (6, 5), (9, 8), (2, 9)] {
        assert!(place(first) < place(second), "{first} {second}: {places:?}");
    }
}

#[test]
fn a_circle_is_cut_where_the_rank_says() {
    let steps = [
        step(Act::Drop, "table", "a", "b", ""),
        step(Act::Drop, "function", "b", "a", ""),
        step(Act::Drop, "trigger", "c", "", ""),
    ];
    assert_eq!(sorted(&steps), [1, 2, 0]);
}
