//! What an SQL text does beyond its own database, and whom it names.

use std::collections::BTreeSet;

use super::pieces::{Piece, UNKNOWN, pieces};
use crate::snapshot::{Dsn, dsns};

/// How many texts within texts are read: a function that makes a function that executes a text.
const DEPTH: usize = 4;

/// How far a word looks back, in pieces: texts may be long, and made to take long.
const LOOK_BACK: usize = 64;

/// How much of a text is read, in bytes.
const LONGEST: usize = 1 << 20;

/// What was found in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// What it does beyond the database, in words: `calls dblink`, `uses COPY PROGRAM`.
    pub(super) acts: BTreeSet<String>,
    /// The connection strings in it.
    pub(super) dsns: Vec<Dsn>,
    /// Channels of NOTIFY and LISTEN.
    pub(super) channels: BTreeSet<String>,
    /// Relations that its statements name: schema, if one is given, and name.
    pub(super) relations: BTreeSet<(Option<String>, String)>,
    /// Databases that stand before schema and relation, or after DATABASE.
    pub(super) databases: BTreeSet<String>,
    /// Where a role stands: after TO, ROLE, USER, OWNER TO.
    pub(super) roles: BTreeSet<String>,
    /// Whole texts: a role or a database may be named by one alone.
    pub(super) texts: Vec<String>,
}

/// Functions that reach out of the database. Those whose names begin with `dblink` are all of that extension.
const FUNCTIONS: [&str; 34] = [
    "pg_read_file",
    "pg_read_binary_file",
    "pg_read_file_old",
    "pg_ls_dir",
    "pg_ls_logdir",
    "pg_ls_waldir",
    "pg_ls_tmpdir",
    "pg_ls_archive_statusdir",
    "pg_stat_file",
    "pg_file_write",
    "pg_file_read",
    "pg_file_rename",
    "pg_file_unlink",
    "pg_file_sync",
    "lo_import",
    "lo_export",
    "http",
    "http_get",
    "http_post",
    "http_put",
    "http_patch",
    "http_delete",
    "http_head",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_copy_logical_replication_slot",
    "pg_logical_slot_get_changes",
    "pg_logical_slot_peek_changes",
    "pg_logical_slot_get_binary_changes",
    "pg_logical_slot_peek_binary_changes",
    "pg_replication_origin_create",
    "pg_background_launch",
    "schedule_in_database",
    "table_import_from_s3",
];

/// Schemas of extensions that reach out whatever the function is called (`net.http_post`, `cron.schedule`, `aws_s3.…`).
const SCHEMAS: [&str; 6] = [
    "net",
    "cron",
    "aws_s3",
    "aws_lambda",
    "azure_storage",
    "plproxy",
];

/// Statements that make a link, or reach the server's files: the words that they begin with, and what to call them.
const STATEMENTS: [(&[&str], &str); 17] = [
    (&["create", "server"], "CREATE SERVER"),
    (&["alter", "server"], "ALTER SERVER"),
    (&["create", "user", "mapping"], "CREATE USER MAPPING"),
    (&["alter", "user", "mapping"], "ALTER USER MAPPING"),
    (&["create", "foreign", "table"], "CREATE FOREIGN TABLE"),
    (
        &["create", "foreign", "data"],
        "CREATE FOREIGN DATA WRAPPER",
    ),
    (&["import", "foreign", "schema"], "IMPORT FOREIGN SCHEMA"),
    (&["create", "subscription"], "CREATE SUBSCRIPTION"),
    (&["alter", "subscription"], "ALTER SUBSCRIPTION"),
    (&["create", "publication"], "CREATE PUBLICATION"),
    (&["alter", "publication"], "ALTER PUBLICATION"),
    (
        &["create", "extension", "dblink"],
        "CREATE EXTENSION dblink",
    ),
    (
        &["create", "extension", "postgres_fdw"],
        "CREATE EXTENSION postgres_fdw",
    ),
    (
        &["create", "extension", "file_fdw"],
        "CREATE EXTENSION file_fdw",
    ),
    (&["alter", "system"], "ALTER SYSTEM"),
    (&["create", "database"], "CREATE DATABASE"),
    (&["drop", "database"], "DROP DATABASE"),
];

/// Words that an SQL statement begins with: a text that begins with one is read as SQL.
const VERBS: [&str; 36] = [
    "select", "insert", "update", "delete", "merge", "with", "values", "table", "copy", "truncate",
    "lock", "alter", "create", "drop", "grant", "revoke", "call", "execute", "perform", "do",
    "set", "reset", "listen", "notify", "unlisten", "refresh", "comment", "import", "load",
    "begin", "declare", "reassign", "security", "vacuum", "analyze", "explain",
];

/// Reads an SQL text: the body of a function, the text of a view.
pub(super) fn scan(sql: &str) -> Scan {
    let mut scan = Scan::default();
    let end = sql.floor_char_boundary(LONGEST);
    if end < sql.len() {
        scan.acts
            .insert("is longer than 1 MiB, and was read so far only".to_owned());
    }
    statement(sql.get(..end).unwrap_or_default(), 0, &mut scan);
    scan
}

fn statement(sql: &str, depth: usize, scan: &mut Scan) {
    let pieces = pieces(sql);
    let ctes = local_names(&pieces);
    for (at, piece) in pieces.iter().enumerate() {
        let before = pieces.get(..at).unwrap_or_default();
        let rest = pieces.get(at..).unwrap_or_default();
        match piece {
            Piece::Text(text) => literal(text, rest, depth, scan),
            Piece::Word(_) | Piece::Name(_) => {
                function(before, rest, scan);
                words(before, rest, &ctes, scan);
            }
            _ => {}
        }
    }
}

/// A text within the text.
fn literal(text: &str, rest: &[Piece], depth: usize, scan: &mut Scan) {
    scan.dsns.extend(dsns(text));
    scan.texts.push(text.trim().to_owned());
    if matches!(rest, [_, Piece::Symbol(':'), Piece::Symbol(':'), Piece::Word(kind), ..] if kind == "regclass")
    {
        scan.relations
            .extend(relation(&pieces(text)).map(|(name, _)| name));
    }
    let plain = text.trim().to_lowercase();
    if is_function(&plain) {
        scan.acts.insert(format!("names function {plain}"));
    }
    let first = plain
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .next()
        .unwrap_or_default();
    let begins_unknown = plain.starts_with(UNKNOWN);
    let is_sql = begins_unknown || (VERBS.contains(&first) && plain.len() > first.len());
    if is_sql && depth < DEPTH {
        statement(text, depth + 1, scan);
    }
}

/// Whether a function of this name reaches out.
fn is_function(name: &str) -> bool {
    let plain = name.rsplit('.').next().unwrap_or(name);
    plain == "dblink"
        || plain.starts_with("dblink_")
        || (plain.starts_with("pg_") || plain.starts_with("lo_") || plain.starts_with("http_"))
            && FUNCTIONS.contains(&plain)
}

/// The functions that reach out among the names of a definition such as `function = dblink_exec, result = text`.
pub(super) fn named_functions(definition: &str) -> Vec<String> {
    pieces(definition)
        .iter()
        .filter_map(Piece::ident)
        .map(str::to_lowercase)
        .filter(|name| is_function(name))
        .map(|name| format!("calls {name}"))
        .collect()
}

/// A call of a function that reaches out.
fn function(before: &[Piece], rest: &[Piece], scan: &mut Scan) {
    let [name, Piece::Symbol('('), ..] = rest else {
        return;
    };
    let Some(name) = name.ident().map(str::to_lowercase) else {
        return;
    };
    let schema = match before {
        [.., schema, Piece::Symbol('.')] => schema.ident().map(str::to_lowercase),
        _ => None,
    };
    let outside = schema
        .as_deref()
        .is_some_and(|schema| SCHEMAS.contains(&schema));
    if outside || is_function(&name) || FUNCTIONS.contains(&name.as_str()) {
        let shown = match schema.filter(|_| outside) {
            Some(schema) => format!("{schema}.{name}"),
            None => name.clone(),
        };
        scan.acts.insert(format!("calls {shown}"));
    }
    if matches!(name.as_str(), "pg_notify") {
        scan.channels.extend(match rest {
            [_, _, Piece::Text(channel), ..] => Some(channel.clone()),
            _ => None,
        });
    }
    if matches!(
        name.as_str(),
        "to_regclass" | "nextval" | "setval" | "currval"
    ) && let [_, _, Piece::Text(text), ..] = rest
    {
        scan.relations
            .extend(relation(&pieces(text)).map(|(name, _)| name));
    }
}

/// Keywords and what follows them.
fn words(before: &[Piece], rest: &[Piece], ctes: &BTreeSet<&str>, scan: &mut Scan) {
    let Some((Piece::Word(word), after)) = rest.split_first() else {
        return;
    };
    for (words, shown) in STATEMENTS {
        let fits = rest.len() >= words.len()
            && words
                .iter()
                .zip(rest)
                .all(|(word, piece)| piece.ident().is_some_and(|ident| ident == *word));
        let extension = matches!(rest, [a, b, Piece::Word(i), Piece::Word(n), Piece::Word(e), name, ..]
            if a.is("create") && b.is("extension") && i == "if" && n == "not" && e == "exists"
                && words.get(2).is_some_and(|word| name.ident() == Some(word)));
        if (fits || extension) && begins(before) {
            scan.acts.insert(format!("uses {shown}"));
        }
    }
    match word.as_str() {
        "copy" if begins(before) => copy(after, scan),
        "load" if begins(before) && matches!(after.first(), Some(Piece::Text(_))) => {
            scan.acts.insert("uses LOAD".to_owned());
        }
        "notify" | "listen" | "unlisten" if begins(before) => {
            scan.channels
                .extend(after.first().and_then(Piece::ident).map(str::to_owned));
        }
        "database" => {
            scan.databases
                .extend(after.first().and_then(Piece::ident).map(str::to_owned));
        }
        "to" | "role" | "user" | "authorization" | "by" => {
            role_names(after, scan);
        }
        _ => {}
    }
    if takes_relations(word, before) {
        relations(word, before, after, ctes, scan);
    }
}

/// Whether a statement may begin here.
fn begins(before: &[Piece]) -> bool {
    match before.last() {
        None | Some(Piece::End) => true,
        Some(Piece::Word(word)) => matches!(
            word.as_str(),
            "begin"
                | "then"
                | "else"
                | "loop"
                | "as"
                | "instead"
                | "also"
                | "do"
                | "execute"
                | "atomic"
                | "perform"
        ),
        Some(Piece::Text(_) | Piece::Name(_)) => false,
        // A label `<<x>>`, or a statement of a rule in brackets.
        Some(Piece::Symbol(symbol)) => matches!(symbol, '(' | '>'),
    }
}

/// COPY with a program or a file of the server's.
fn copy(after: &[Piece], scan: &mut Scan) {
    let statement = after.iter().take_while(|piece| **piece != Piece::End);
    let mut previous: Option<&Piece> = None;
    for piece in statement {
        let direction = previous.is_some_and(|word| word.is("to") || word.is("from"));
        if direction && piece.is("program") {
            scan.acts.insert("uses COPY PROGRAM".to_owned());
        }
        if direction && matches!(piece, Piece::Text(_)) {
            scan.acts
                .insert("uses COPY with a file of the server".to_owned());
        }
        previous = Some(piece);
    }
}

/// Roles, separated by commas.
fn role_names(mut after: &[Piece], scan: &mut Scan) {
    while let Some((first, rest)) = after.split_first() {
        let Some(name) = first.ident() else { return };
        // GRANT … TO GROUP a, ROLE a.
        if first.is("group") || first.is("role") || first.is("user") {
            after = rest;
            continue;
        }
        scan.roles.insert(name.to_owned());
        match rest.split_first() {
            Some((comma, rest)) if comma.is_symbol(',') => after = rest,
            _ => return,
        }
    }
}

/// Whether relations follow this word.
fn takes_relations(word: &str, before: &[Piece]) -> bool {
    let last = before.last();
    let follows =
        |words: &[&str]| last.is_some_and(|piece| words.iter().any(|word| piece.is(word)));
    match word {
        "from" => !follows(&["distinct"]) && !in_function(before),
        "join" | "only" | "truncate" | "references" | "inherits" | "like" => true,
        "table" | "copy" | "lock" => true,
        "into" => follows(&["insert", "merge"]),
        "update" => !follows(&[
            "for", "on", "do", "after", "before", "or", "of", "no", "key", "to",
        ]),
        "on" => statement_so_far(before).any(|piece| {
            piece.is("grant")
                || piece.is("revoke")
                || piece.is("trigger")
                || piece.is("index")
                || piece.is("policy")
        }),
        _ => false,
    }
}

/// What of the statement stands before a word, the nearest first.
fn statement_so_far(before: &[Piece]) -> impl Iterator<Item = &Piece> {
    before
        .iter()
        .rev()
        .take(LOOK_BACK)
        .take_while(|piece| **piece != Piece::End)
}

/// Whether FROM stands within `extract(… FROM …)`, `substring(… FROM …)`, `trim(… FROM …)`.
fn in_function(before: &[Piece]) -> bool {
    let mut depth = 0_usize;
    for (at, piece) in before.iter().enumerate().rev().take(LOOK_BACK) {
        match piece {
            Piece::Symbol(')') => depth += 1,
            Piece::Symbol('(') if depth > 0 => depth -= 1,
            Piece::Symbol('(') => {
                return at
                    .checked_sub(1)
                    .and_then(|at| before.get(at))
                    .is_some_and(|name| {
                        ["extract", "substring", "trim", "overlay", "position"]
                            .iter()
                            .any(|word| name.is(word))
                    });
            }
            Piece::End => return false,
            _ => {}
        }
    }
    false
}

/// A relation's name, and how many pieces it takes.
fn relation(pieces: &[Piece]) -> Option<((Option<String>, String), usize)> {
    let mut parts = vec![pieces.first()?.ident()?.to_owned()];
    while let (Some(Piece::Symbol('.')), Some(next)) = (
        pieces.get(parts.len() * 2 - 1),
        pieces.get(parts.len() * 2).and_then(Piece::ident),
    ) {
        parts.push(next.to_owned());
    }
    let taken = parts.len() * 2 - 1;
    let name = parts.pop()?;
    Some(((parts.pop(), name), taken))
}

/// The relations that follow, separated by commas where the statement allows it.
fn relations(
    word: &str,
    before: &[Piece],
    after: &[Piece],
    ctes: &BTreeSet<&str>,
    scan: &mut Scan,
) {
    let mut rest = after;
    loop {
        while rest.first().is_some_and(|piece| {
            piece.is("only")
                || piece.is("table")
                || piece.is("if")
                || piece.is("exists")
                || piece.is("not")
        }) {
            rest = rest.get(1..).unwrap_or_default();
        }
        let Some(((schema, name), taken)) = relation(rest) else {
            return;
        };
        let follows = rest.get(taken..).unwrap_or_default();
        // A function in FROM, or the name of a column list.
        let call = word == "from" && follows.first().is_some_and(|piece| piece.is_symbol('('));
        let local = schema.is_none() && ctes.contains(name.as_str());
        if !call && !local {
            if taken == 5 {
                scan.databases
                    .extend(rest.first().and_then(Piece::ident).map(str::to_owned));
            }
            scan.relations.insert((schema, name));
        }
        if !matches!(word, "from" | "truncate" | "table" | "lock") {
            return;
        }
        // REVOKE … FROM role.
        if word == "from" && statement_so_far(before).any(|piece| piece.is("revoke")) {
            role_names(after, scan);
            return;
        }
        let mut tail = follows;
        if tail.first().is_some_and(|piece| piece.is("as")) {
            tail = tail.get(1..).unwrap_or_default();
        }
        if tail.first().and_then(Piece::ident).is_some() {
            tail = tail.get(1..).unwrap_or_default();
        }
        match tail.split_first() {
            Some((comma, next)) if comma.is_symbol(',') => rest = next,
            _ => return,
        }
    }
}

/// Names that a WITH gives: `name AS (…)`.
fn local_names(pieces: &[Piece]) -> BTreeSet<&str> {
    pieces
        .windows(4)
        .filter_map(|window| match window {
            [name, as_, next, more]
                if as_.is("as")
                    && (next.is_symbol('(')
                        || next.is("materialized")
                        || (next.is("not") && more.is("materialized"))) =>
            {
                name.ident()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::scan;

    fn acts(sql: &str) -> String {
        scan(sql).acts.into_iter().collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_reaches_out_is_seen() {
        for (sql, act) in [
            (
                "BEGIN PERFORM * FROM dblink('x', 'y') AS t(k text); END",
                "calls dblink",
            ),
            ("SELECT \"dblink_exec\"('a')", "calls dblink_exec"),
            ("SELECT public . DBLINK /* x */ (1)", "calls dblink"),
            (
                "BEGIN EXECUTE 'SELECT * FROM dbl' || 'ink(''a'', ''b'')'; END",
                "calls dblink",
            ),
            (
                "BEGIN EXECUTE format('SELECT %I(1)', 'dblink_exec'); END",
                "calls dblink_exec",
            ),
            ("BEGIN f := 'dbl' || 'ink'; END", "names function dblink"),
            (
                "BEGIN COPY k_posts TO PROGRAM 'psql'; END",
                "uses COPY PROGRAM",
            ),
            (
                "BEGIN EXECUTE 'COPY k_posts TO ' || quote_literal('/tmp/x'); END",
                "uses COPY with a file of the server",
            ),
            (
                "COPY t FROM '/etc/passwd'",
                "uses COPY with a file of the server",
            ),
            ("COPY t FROM STDIN", ""),
            ("SELECT pg_read_file('/etc/passwd')", "calls pg_read_file"),
            (
                "SELECT lo_import('/x'), lo_export(1, '/y')",
                "calls lo_export, calls lo_import",
            ),
            ("SELECT net.http_post('u')", "calls net.http_post"),
            ("SELECT status FROM http_get('u')", "calls http_get"),
            (
                "CREATE SERVER s FOREIGN DATA WRAPPER w",
                "uses CREATE SERVER",
            ),
            (
                "CREATE EXTENSION IF NOT EXISTS dblink",
                "uses CREATE EXTENSION dblink",
            ),
            (
                "BEGIN EXECUTE $q$ALTER SYSTEM SET a = 'b'$q$; END",
                "uses ALTER SYSTEM",
            ),
            (
                "DO $$BEGIN PERFORM lo_import('x'); END$$",
                "calls lo_import",
            ),
            (
                "-- dblink('x')\nSELECT 'dblink is not used' /* dblink() */",
                "",
            ),
            ("SELECT http, net FROM k_posts", ""),
        ] {
            assert_eq!(acts(sql), act, "{sql}");
        }
    }

    #[test]
    fn relations_are_told_from_other_words() {
        for (sql, names) in [
            ("SELECT * FROM blocks b, addresses", "addresses blocks"),
            ("SELECT * FROM public.blocks JOIN a ON true", "a blocks"),
            ("INSERT INTO blocks VALUES (1)", "blocks"),
            ("UPDATE blocks SET a = 1", "blocks"),
            ("SELECT 1 INTO blocks FROM a FOR UPDATE", "a"),
            ("SELECT extract(epoch FROM blocks) FROM a", "a"),
            ("SELECT a IS DISTINCT FROM blocks", ""),
            ("WITH blocks AS (SELECT 1) SELECT * FROM blocks", ""),
            ("RAISE NOTICE 'no blocks from blocks'", ""),
            ("EXECUTE 'DELETE FROM ' || 'blocks'", "blocks"),
            ("EXECUTE format('TRUNCATE %I', 'blocks')", "blocks"),
            ("SELECT 'public.blocks'::regclass", "blocks"),
            ("SELECT * FROM U&\"bl\\006fcks\"", "blocks"),
            ("SELECT * FROM generate_series(1, 2)", ""),
        ] {
            let found: Vec<String> = scan(sql)
                .relations
                .into_iter()
                .map(|(_, name)| name)
                .collect();
            let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.join(" "), names, "{sql}");
        }
    }

    #[test]
    fn roles_and_channels() {
        let found = scan(
            "BEGIN EXECUTE 'GRANT SELECT ON k TO a, b'; NOTIFY c; PERFORM pg_notify('D', 'x'); EXECUTE 'LISTEN ' || 'e'; END",
        );
        assert!(
            found.roles.iter().map(String::as_str).eq(["a", "b"]),
            "{found:?}"
        );
        assert!(
            found
                .channels
                .iter()
                .map(String::as_str)
                .eq(["D", "c", "e"]),
            "{found:?}"
        );
    }
}
