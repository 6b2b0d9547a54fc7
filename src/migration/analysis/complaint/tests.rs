//! Typing errors, doubts, and words.

#![allow(clippy::unwrap_used)]

use super::plain;
use crate::migration::analysis::parse::{Parsed, with_stack};

#[test]
fn a_typing_error_is_told_as_one() {
    for (sql, at, why) in [
        ("CRAETE TABLE t (a int)", 0, "CREATE may be meant"),
        ("CREATE TABEL t (a int)", 7, "TABLE may be meant"),
        ("ALTER TABEL t ADD b int", 6, "TABLE may be meant"),
        ("DROP INDX i", 5, "INDEX may be meant"),
        ("INSRT INTO t VALUES (1)", 0, "INSERT may be meant"),
        ("INSERT INTO t VALEUS (1)", 14, "VALUES may be meant"),
        ("ALTER TABLE t ADD COLUM b int", 18, "COLUMN may be meant"),
        ("DELETE FORM t", 7, "FROM may be meant"),
        ("SELECT * FORM t", 9, "FROM may be meant"),
        ("CREATE TABLE t (a int NOT NUL)", 26, "NULL may be meant"),
        ("CREATE TABLE t (a int PRIMARY KYE)", 30, "KEY may be meant"),
        ("UPDATE t SE a = 1", 9, "SET may be meant"),
        (
            "CREATE TABLE t (a int b text)",
            22,
            "a comma is missing before b",
        ),
        (
            "CREATE TABLE t (a int,)",
            21,
            "nothing stands between the comma and the )",
        ),
        (
            "CREATE VIEW v AS SELECT 1,",
            25,
            "nothing follows the comma",
        ),
        ("CREATE TABLE t (a int, b text", 15, "( is never closed"),
        ("CREATE TABLE t a int)", 20, ") closes nothing"),
        (
            "CREATE TYPE e AS ENUM ('a' 'b')",
            27,
            "two texts stand side by side",
        ),
        (
            "CREATE TABLE a (i int)\nCREATE TABLE b (i int)",
            23,
            "a ; is missing before CREATE",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $f$ SELECT 1; SELCT 2 $f$",
            62,
            "SELECT may be meant",
        ),
        ("DO $$ BEGIN PERFROM 1; END $$", 12, "PERFORM may be meant"),
    ] {
        let parsed = with_stack(|| {
            let text = sql
                .strip_prefix("DO $$ BEGIN ")
                .map_or(sql, |text| text.trim_end_matches("; END $$"));
            Parsed::new(text).unwrap().error.unwrap()
        })
        .unwrap();
        let inner = if sql.starts_with("DO") { 12 } else { 0 };
        assert!(parsed.why.contains(why), "{sql}: {parsed:?}");
        assert_eq!(parsed.at + inner, at, "{sql}: {parsed:?}");
        assert!(parsed.sure, "{sql}: {parsed:?}");
    }
}

#[test]
fn what_a_newer_server_may_read_stays_a_doubt() {
    for sql in [
        "FROBNICATE TABLE a",
        "CREATE WIDGET w",
        "CREATE TABLE t (a int FROBNICATED lz4)",
        "ALTER TABLE t ALTER a SET TELEPORT ON",
        "CREATE TABLE t (a int DEFAULT)",
        "SELECT a b c FROM t",
        "UPDATE t SET a == 1",
    ] {
        let error = with_stack(|| Parsed::new(sql).unwrap().error.unwrap()).unwrap();
        assert!(!error.sure, "{sql}: {error:?}");
        assert!(error.why.starts_with("it stops at "), "{sql}: {error:?}");
        assert!(
            !error.why.contains("_KW") && !error.why.contains("PAREN"),
            "{error:?}"
        );
    }
}

#[test]
fn no_name_of_a_token_is_told() {
    for (message, told) in [
        (
            "expected command, found CREATE_KW",
            "it belongs to no statement",
        ),
        ("expected ON_KW", "expected ON"),
        ("expected R_PAREN", "expected )"),
        (
            "expected RENAME, OWNER, or SET",
            "expected RENAME, OWNER, or SET",
        ),
        ("expected SEMICOLON, got IDENT", "expected ;"),
        (
            "expected attribute value, got R_PAREN",
            "expected attribute value",
        ),
        ("Invalid operator.", "invalid operator"),
        ("Expected new line or comma", "expected new line or comma"),
    ] {
        assert_eq!(plain(message), told);
    }
}

#[test]
fn no_password_is_told() {
    for sql in [
        "ALTER ROLE CURRENT_USER PASSWORD c4nary_unquoted",
        "CREATE ROLE a LOGIN PASSWORD c4nary_unquoted",
        "CREATE USER MAPPING FOR a SERVER s OPTIONS (password c4nary_unquoted)",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ ALTER ROLE a PASSWORD c4nary_unquoted $$",
    ] {
        let error = with_stack(|| Parsed::new(sql).unwrap().error).unwrap();
        let why = error.map(|error| error.why).unwrap_or_default();
        assert!(!why.contains("c4nary"), "{sql}: {why}");
    }
}
