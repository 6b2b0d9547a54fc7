use super::{own_words, server_words, without_quotes, without_secrets, without_texts};

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
        "CREATE USER app WITH PASSWORD pw-CANARY;",
        "ALTER ROLE r PASSWORD \"pw-CANARY\";",
        "ALTER ROLE r PASSWORD = pw-CANARY;",
        "ALTER ROLE r ENCRYPTED PASSWORD U&\"pw-CANARY\" VALID UNTIL 'x';",
        "CREATE USER app IDENTIFIED BY pw-CANARY;",
        "GRANT SELECT ON *.* TO app IDENTIFIED BY PASSWORD CANARY;",
        "SET PASSWORD FOR app = CANARY",
        "CREATE USER IF NOT EXISTS app PASSWORD CANARY",
        "CREATE ROLE x LOGIN PASWORD 'x' PASSWORD CANARY;",
        "CREATE SUBSCRIPTION s CONNECTION \"host=h password=CANARY\" PUBLICATION p;",
        "CREATE SUBSCRIPTION s CONNECTION host=h password=CANARY PUBLICATION p;",
        "CREATE USER MAPPING FOR x SERVER s OPTIONS (user \"u\", password \"CANARY\");",
        "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (sslpassword CANARY);",
        "CREATE USER MAPPING FOR x SERVER \"postgres://u:CANARY@h/d\";",
        "SET dblink.password = CANARY;",
        "ALTER SYSTEM SET my.api_key TO CANARY",
        "UPDATE u SET password = \"CANARY\"",
        "UPDATE u SET password = CANARY, name = 'a'",
        "DO $$ BEGIN ALTER ROLE r PASSWORD CANARY; END $$",
        "-- the password is pw-CANARY\nSELECT 1;",
        "SELECT 1; /* password: pw-CANARY */",
    ] {
        for shown in [without_secrets(sql), without_texts(sql)] {
            assert!(!shown.contains("CANARY"), "{shown}");
        }
    }
    assert!(!without_texts("INSERT INTO t VALUES ('pw-CANARY') -- pw-CANARY").contains("CANARY"));
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
        "CREATE TABLE u (id int, password text NOT NULL, pwd varchar(10));",
        "CREATE TABLE IF NOT EXISTS public.u (\"password\" text);",
        "ALTER TABLE u ADD COLUMN password text, ALTER password TYPE bytea;",
        "SELECT password FROM u WHERE password IS NOT NULL;",
        "UPDATE u SET password = crypt(password, gen_salt(u.salt)) WHERE u.password = v.password;",
        "CREATE FUNCTION f(password text) RETURNS void LANGUAGE sql RETURN 1;",
        "CREATE INDEX i ON u (password DESC);",
        "ALTER ROLE r PASSWORD NULL;",
        "ALTER ROLE app_secret NOLOGIN;",
        "SET password_encryption = md5;",
        "GRANT SELECT (password), UPDATE (password) ON u TO r;",
        "DO $$ DECLARE a int; password text; BEGIN SELECT password INTO a FROM u; IF password IS NULL THEN RETURN; END IF; END $$;",
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

#[test]
fn a_servers_message_is_told_without_the_statements_secrets() {
    for (told, statement, expected) in [
        (
            "invalid input syntax for type integer: \"postgresql://u:hunter2@h/db\"",
            "SELECT 'postgresql://u:hunter2@h/db'::int",
            "invalid input syntax for type integer: \"…\"",
        ),
        (
            "syntax error at or near \"hunter2\"",
            "CREATE USER app WITH PASSWORD hunter2",
            "syntax error at or near \"…\"",
        ),
        (
            "syntax error at or near \"hunter2\"",
            "DO $$ BEGIN EXECUTE 'ALTER ROLE r PASSWORD hunter2'; END $$",
            "syntax error at or near \"…\"",
        ),
        (
            "could not translate host name \"hunter2\"",
            "SELECT dblink_connect('host=h password=hunter2')",
            "could not translate host name \"…\"",
        ),
        (
            "column \"hunter2\" does not exist; hunter2",
            "UPDATE u SET password = Hunter2",
            "column \"…\" does not exist; …",
        ),
        (
            "bad: it's me",
            "ALTER ROLE r PASSWORD E'it\\'s me'",
            "bad: …",
        ),
        (
            "DO block: \"hunter2\"",
            "DO $$ DECLARE p text := 'hunter2'; BEGIN PERFORM login(p); END $$ -- password",
            "DO block: \"…\"",
        ),
        (
            "column \"nope\" does not exist",
            "INSERT INTO t VALUES ('nope')",
            "column \"nope\" does not exist",
        ),
        (
            "relation \"u\" does not exist",
            "ALTER TABLE u ADD COLUMN password text DEFAULT 'u'",
            "relation \"u\" does not exist",
        ),
    ] {
        assert_eq!(server_words(told, statement), expected, "{statement}");
    }
}

#[test]
fn what_reads_as_a_password_in_the_servers_words_is_left_out() {
    for (told, expected) in [
        (
            "cannot reach postgresql://u:hunter2@h/d, PGPASSWORD=hunter2",
            "cannot reach postgresql://u:…@h/d, PGPASSWORD=…",
        ),
        (
            "detail: Key (api_key)=(hunter2) is duplicated.",
            "detail: Key (api_key)=… is duplicated.",
        ),
        (
            "password authentication failed for user \"u\"",
            "password authentication failed for user \"u\"",
        ),
        (
            "detail: Key (id)=(7) is duplicated.",
            "detail: Key (id)=(7) is duplicated.",
        ),
    ] {
        assert_eq!(own_words(told), expected);
    }
}
