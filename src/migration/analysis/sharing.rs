//! Which migrations can share a transaction with others.

use super::super::statements::statements;
use super::super::words::Words;

/// What is defined in a database, and stays when the session ends.
const OBJECTS: [&str; 15] = [
    "TABLE",
    "UNLOGGED",
    "INDEX",
    "UNIQUE",
    "VIEW",
    "MATERIALIZED",
    "SEQUENCE",
    "TYPE",
    "DOMAIN",
    "FUNCTION",
    "PROCEDURE",
    "TRIGGER",
    "RULE",
    "POLICY",
    "STATISTICS",
];

/// Whether each statement defines an object or writes rows: nothing that a session remembers (temporary tables, prepared
/// statements, cursors), and nothing that runs other code on purpose.
#[must_use]
pub fn can_share_a_transaction(sql: &str) -> bool {
    statements(sql).iter().all(|statement| {
        let mut words = Words::new(statement.text);
        if words.eat_any(&["COMMENT", "INSERT", "UPDATE", "DELETE", "GRANT", "REVOKE"]) {
            return true;
        }
        if words.eat(&["CREATE"]) {
            words.eat(&["OR", "REPLACE"]);
            return words.eat_any(&OBJECTS);
        }
        words.eat_any(&["ALTER", "DROP"]) && words.eat_any(&OBJECTS)
    })
}

#[cfg(test)]
mod tests {
    use super::can_share_a_transaction;

    #[test]
    fn what_a_session_remembers_is_not_shared() {
        for sql in [
            "CREATE TABLE a (i int); INSERT INTO a VALUES (1); COMMENT ON TABLE a IS 'x';",
            "create or replace view v as select 1; alter table a add b int; drop index c",
            "/* x */ CREATE UNIQUE INDEX ON a (b); -- y\nGRANT SELECT ON a TO b",
            "",
        ] {
            assert!(can_share_a_transaction(sql), "{sql}");
        }
        for sql in [
            "CREATE TEMP TABLE a (i int)",
            "CREATE LOCAL TEMPORARY TABLE a (i int)",
            "CREATE OR REPLACE TEMP VIEW a AS SELECT 1",
            "SET LOCAL search_path = x",
            "SET CONSTRAINTS ALL DEFERRED",
            "SELECT set_config('a', 'b', true)",
            "DO 'BEGIN END'",
            "CALL p()",
            "PREPARE x AS SELECT 1",
            "CREATE EXTENSION timescaledb",
            "ALTER ROLE a SET b = c",
            "ALTER DATABASE a SET b = c",
            "CREATE TABLE a (i int); LOCK TABLE a",
        ] {
            assert!(!can_share_a_transaction(sql), "{sql}");
        }
    }
}
