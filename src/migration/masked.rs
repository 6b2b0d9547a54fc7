//! SQL as it may be shown: a migration may hold a password, and what is shown ends up in logs.

use super::tokens::{Kind, Token, tokens};

/// What stands for a text that is not shown.
const HIDDEN: &str = "'…'";

/// Where one of these is in a statement, each of its texts may be a password.
const TELLTALES: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "credential",
    "apikey",
    "api_key",
    "connection",
    "dblink",
    "://",
];

/// The text with every quoted text left out, for a message that names the statement by file and line anyway.
pub(crate) fn without_texts(sql: &str) -> String {
    tokens(sql)
        .filter(|token| token.kind != Kind::Comment)
        .map(|token| match token.kind {
            Kind::Text => HIDDEN,
            _ => token.text,
        })
        .collect()
}

/// The text without what may be a password: the quoted texts and the comments of statements that speak of one. Bodies of functions and
/// of `DO` stay readable, for their statements are what a reviewer looks for.
pub(crate) fn without_secrets(sql: &str) -> String {
    let all: Vec<Token<'_>> = tokens(sql).collect();
    let mut out = String::with_capacity(sql.len());
    for statement in all.split_inclusive(|token| token.kind == Kind::End) {
        let secret = statement.iter().any(|token| is_telltale(token.text));
        for token in statement {
            match token.kind {
                Kind::Text if secret => out.push_str(&hidden(token.text, is_code(statement))),
                Kind::Comment if secret => out.push_str("/* … */"),
                _ => out.push_str(token.text),
            }
        }
    }
    out
}

/// What a server says of the place of an error, without the statement that it quotes, where that may hold a password: the quotes within
/// it are its own, so all between the first and the last of them goes.
pub(crate) fn without_quotes(told: &str) -> String {
    let quote = ['"', '\''];
    match (told.split_once(quote), told.rsplit_once(quote)) {
        (Some((before, _)), Some((_, after))) if is_telltale(told) => {
            format!("{before}{HIDDEN}{after}")
        }
        _ => told.to_owned(),
    }
}

fn is_telltale(text: &str) -> bool {
    let lower = text.to_lowercase();
    TELLTALES.iter().any(|word| lower.contains(word))
}

/// Whether the statement's dollar-quoted text is code.
fn is_code(statement: &[Token<'_>]) -> bool {
    let mut words = statement.iter().filter(|token| token.kind == Kind::Word);
    let is = |token: Option<&Token<'_>>, word: &str| {
        token.is_some_and(|token| token.text.eq_ignore_ascii_case(word))
    };
    let first = words.next();
    is(first, "do")
        || is(first, "create")
            && words.take(3).any(|token| {
                ["function", "procedure"]
                    .iter()
                    .any(|word| token.text.eq_ignore_ascii_case(word))
            })
}

/// A quoted text that is not shown; of code everything but its own texts and comments is.
fn hidden(text: &str, code: bool) -> String {
    let body = text
        .strip_prefix('$')
        .and_then(|rest| rest.split_once('$'))
        .filter(|_| code)
        .and_then(|(tag, rest)| Some((tag, rest.strip_suffix(&format!("${tag}$"))?)));
    body.map_or_else(
        || HIDDEN.to_owned(),
        |(tag, body)| format!("${tag}${}${tag}$", without_texts(body)),
    )
}

#[cfg(test)]
mod tests {
    use super::{without_quotes, without_secrets, without_texts};

    #[test]
    fn no_form_of_a_password_is_shown() {
        for sql in [
            "CREATE ROLE a PASSWORD 'pw-CANARY'",
            "ALTER ROLE a ENCRYPTED PASSWORD $$pw-CANARY$$;",
            "CREATE ROLE a PASSWORD $x$pw-CANARY$x$;",
            "CREATE ROLE a PASSWORD E'pw-CANARY\\'';",
            "CREATE ROLE a PASSWORD U&'pw-CANARY';",
            "CREATE ROLE a PASSWORD 'pw-CANARY",
            "CREATE SUBSCRIPTION s CONNECTION 'host=h password=pw-CANARY' PUBLICATION p;",
            "SELECT dblink('postgres://u:pw-CANARY@h/d', 'SELECT 1');",
            "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'pw-CANARY');",
            "DO $$ DECLARE p text := 'pw-CANARY'; BEGIN EXECUTE format('ALTER ROLE a PASSWORD %L', p); END $$;",
            "CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql AS $f$ SELECT 'pw-CANARY' -- the password\n $f$;",
            "-- the password is pw-CANARY\nSELECT 1;",
            "SELECT 1; /* password: pw-CANARY */",
        ] {
            assert!(
                !without_secrets(sql).contains("CANARY"),
                "{}",
                without_secrets(sql)
            );
        }
        assert!(
            !without_texts("INSERT INTO t VALUES ('pw-CANARY') -- pw-CANARY").contains("CANARY")
        );
    }

    #[test]
    fn what_the_server_quotes_is_hidden_where_it_may_be_a_password() {
        assert_eq!(
            without_quotes(
                "SQL statement \"ALTER ROLE a PASSWORD 'pw-\"CANARY'\"\nPL/pgSQL function f() line 1 at EXECUTE"
            ),
            "SQL statement '…'\nPL/pgSQL function f() line 1 at EXECUTE"
        );
        assert_eq!(
            without_quotes("COPY t, line 1: \"a\""),
            "COPY t, line 1: \"a\""
        );
    }

    #[test]
    fn what_holds_no_password_is_shown_as_it_is() {
        for sql in [
            "SELECT create_hypertable('k_posts', by_range('time'));\n-- why\nCREATE TABLE a (b text DEFAULT 'c');",
            "",
            ";;",
        ] {
            assert_eq!(without_secrets(sql), sql);
        }
        assert_eq!(
            without_secrets("SELECT 'a'; ALTER ROLE r PASSWORD 'b'; SELECT 'c'"),
            "SELECT 'a'; ALTER ROLE r PASSWORD '…'; SELECT 'c'"
        );
        assert_eq!(
            without_secrets("DO $$ BEGIN PERFORM set_password(a, 'b'); END $$"),
            "DO $$ BEGIN PERFORM set_password(a, '…'); END $$"
        );
    }
}
