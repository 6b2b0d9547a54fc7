//! Which statements may change rows: of those no catalog tells whether they ran.

use super::{Analysis, LockMode, analyse};
use crate::migration::words::Words;

/// The lines of the statements of a script that change rows, or run code that may.
#[must_use]
pub fn changes_rows(sql: &str) -> Vec<usize> {
    let analyses = analyse(sql);
    let changing = analyses.iter().filter(|analysis| may(analysis));
    changing.map(|analysis| analysis.line).collect()
}

fn may(analysis: &Analysis) -> bool {
    let mut words = Words::new(&analysis.text);
    if words.eat_any(&["INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"]) {
        return true;
    }
    // A new table has no lock that anybody could feel; CASCADE and the like reach further, and still define.
    if words.eat_any(&["ALTER", "DROP", "GRANT", "REVOKE", "COMMENT"]) {
        return false;
    }
    let writes = |lock: &super::Lock| lock.mode == LockMode::RowExclusive;
    let calls = analysis
        .hazards
        .iter()
        .any(|hazard| hazard.code == "dynamic");
    let within = [["INSERT", "INTO"], ["DELETE", "FROM"], ["MERGE", "INTO"]];
    calls
        || analysis.lock.as_ref().is_some_and(writes)
        || words.eat(&["COPY"])
        || (words.eat(&["WITH"]) && within.iter().any(|verb| words.has(verb)))
}

#[cfg(test)]
mod tests {
    use super::changes_rows;

    #[test]
    fn what_changes_rows_is_told_from_what_defines() {
        for sql in [
            "INSERT INTO a VALUES (1)",
            "CREATE TABLE a (i int);\nUPDATE a SET i = 1",
            "WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x",
            "COPY a FROM '/tmp/x'",
            "CALL tidy()",
            "DO $$ BEGIN END $$",
            "TRUNCATE a",
            "SELECT fill(1)",
        ] {
            assert_eq!(changes_rows(sql).len(), 1, "{sql}");
        }
        let file = "CREATE TABLE a (i int);\nINSERT INTO a VALUES (1);\nCREATE INDEX ON a (i);\nDELETE FROM a;\n";
        assert_eq!(changes_rows(file), [2, 4]);
        for sql in [
            "CREATE TABLE a (i int)",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a'",
            "DROP TABLE a CASCADE",
            "REINDEX TABLE a",
            "ALTER TABLE a ADD b int DEFAULT 1",
        ] {
            assert!(changes_rows(sql).is_empty(), "{sql}");
        }
    }
}
