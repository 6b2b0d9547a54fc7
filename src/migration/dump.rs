//! The tables that a dump makes or fills, told from its beginning: the text may be cut off anywhere.

use super::effects::without_rows;
use super::statements::statements;
use super::words::Words;

/// The tables that the text creates or fills, in lower case, without their schema. What is in comments and texts is no statement, nor
/// are the rows behind COPY … FROM STDIN.
///
/// pg_dump's own format holds the same statements in its table of contents, between bytes that are no text.
#[must_use]
pub fn dumped_tables(dump: &str) -> Vec<String> {
    let is_binary = |c: char| c.is_control() && !c.is_whitespace();
    dump.split(is_binary)
        .filter(|piece| !piece.is_empty())
        .map(without_rows)
        .flat_map(|piece| {
            let tables = statements(&piece).into_iter().filter_map(|statement| {
                let sql = without_commands(statement.text);
                table(&mut Words::new(sql))
            });
            tables.collect::<Vec<_>>()
        })
        .collect()
}

/// The statement without the commands of psql before it, which end with their line.
fn without_commands(mut text: &str) -> &str {
    while text.starts_with('\\') {
        text = text
            .split_once('\n')
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    text
}

/// The table that a statement creates or fills; a temporary one is gone with its session.
fn table(words: &mut Words<'_>) -> Option<String> {
    if words.eat(&["create"]) {
        words.eat_any(&["unlogged", "foreign"]);
        if !words.eat(&["table"]) {
            return None;
        }
        words.eat(&["if", "not", "exists"]);
    } else if !words.eat(&["insert", "into"]) {
        let copies = words.eat(&["copy"]) && words.has(&["from"]);
        if !copies {
            return None;
        }
    }
    words.name().map(|name| name.name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::dumped_tables;

    #[test]
    fn the_tables_of_a_dump_are_read_from_its_statements() {
        let text = "--\n-- PostgreSQL database dump\n--\n\\restrict abc\n\nCREATE TABLE public.k_posts (\n id bigint\n);\n\
            COPY public.\"K_Votes\" (id) FROM stdin;\n1\tit's\n\\.\n\nINSERT INTO k_follows VALUES (1);\nCREATE TABLE k_late (\n a text DEFAULT 'x";
        assert_eq!(
            dumped_tables(text),
            ["k_posts", "k_votes", "k_follows", "k_late"]
        );
    }

    #[test]
    fn statements_are_read_however_they_are_written() {
        for sql in [
            "insert into a values (1)",
            "create table a (i int)",
            "CREATE UNLOGGED TABLE public.A (i int)",
            "CREATE TABLE\n  public.a (i int)",
            "create /* x */ table if not exists \"a\" (i int)",
            "CREATE FOREIGN TABLE a (i int) SERVER s",
            "SELECT 1; copy a from stdin",
            "\\connect ksocial\nCREATE TABLE a (i int)",
            "\\connect ksocial\n\n\\encoding UTF8\nCOPY a FROM STDIN",
            "PGDMP\u{1}\u{10}\u{0}TABLE\u{0}\u{0}\u{30}\u{1}\u{0}\u{0}CREATE TABLE public.a (\n i int\n);\n\u{0}it's\u{0}",
            "PGDMP\u{0}it's\u{0}\u{0}COPY public.a (i) FROM stdin;\n\u{0}",
        ] {
            assert_eq!(dumped_tables(sql), ["a"], "{sql}");
        }
        for sql in [
            "-- CREATE TABLE public.a (i int);",
            "/* CREATE TABLE a (i int); */ SELECT 1",
            "SELECT 'CREATE TABLE a (i int);'",
            "SELECT $$ ; INSERT INTO a VALUES (1); $$",
            "SELECT 1; -- CREATE TABLE",
            "COPY a TO '/tmp/x'",
            "CREATE TEMP TABLE a (i int)",
            "",
        ] {
            assert!(dumped_tables(sql).is_empty(), "{sql}");
        }
        assert_eq!(
            dumped_tables("COPY b FROM stdin;\n;CREATE TABLE a (i int);\n\\.\n"),
            ["b"]
        );
    }
}
