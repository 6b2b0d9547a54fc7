//! What takes back what somebody altered of something that initdb or an extension made.

use crate::rules::text::{sql_ident, sql_literal, sql_name};
use crate::snapshot::{Kind, ObjectKey};

/// What stands before the extension that something of the server's was attached to.
const MEMBER: &str = "MEMBER OF ";

/// What stands before the schema that something of the server's belongs to.
const MOVED: &str = "SET SCHEMA ";

/// What stands before the name that something of the server's had.
const RENAMED: &str = "RENAME TO ";

/// The statements that take it back.
pub(in crate::rules) fn unaltered(key: &ObjectKey, altered: &str) -> String {
    let name = sql_name(key);
    if altered.starts_with(MOVED) || altered.starts_with(RENAMED) {
        let kind = match key.kind {
            Kind::Function => "ROUTINE".to_owned(),
            kind => kind.words().to_uppercase(),
        };
        return format!("ALTER {kind} {name} {altered};");
    }
    if key.kind == Kind::Function {
        return routine(&name, altered);
    }
    let table = || {
        let schema = sql_ident(&key.schema);
        format!("{schema}.{}", sql_ident(&key.parent))
    };
    let sql: Vec<String> = altered
        .split(", ")
        .filter_map(|what| match (key.kind, what) {
            (Kind::Column, "DEFAULT") => Some(format!(
                "ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT;",
                table(),
                sql_ident(&key.name)
            )),
            (Kind::Column, "ADD COLUMN") => Some(format!(
                "ALTER TABLE {} DROP COLUMN {};",
                table(),
                sql_ident(&key.name)
            )),
            (Kind::Column, "DROP NOT NULL") => Some(format!(
                "ALTER TABLE {} ALTER COLUMN {} SET NOT NULL;",
                table(),
                sql_ident(&key.name)
            )),
            (Kind::EventTrigger, "DISABLE" | "ENABLE REPLICA" | "ENABLE ALWAYS") => {
                Some(format!("ALTER EVENT TRIGGER {name} ENABLE;"))
            }
            // A default, NOT NULL, or a constraint by its name.
            (Kind::Type, what) if !what.starts_with("OWNER TO ") => {
                Some(format!("ALTER DOMAIN {name} DROP {what};"))
            }
            (Kind::OperatorFamily, what)
                if what.starts_with("OPERATOR ") || what.starts_with("FUNCTION ") =>
            {
                Some(format!("ALTER OPERATOR FAMILY {name} DROP {what};"))
            }
            (kind, what) if what.starts_with("OWNER TO ") => Some(format!(
                "ALTER {} {name} OWNER TO CURRENT_USER;",
                kind.words().to_uppercase()
            )),
            (kind, what) if what.starts_with(MEMBER) => Some(format!(
                "ALTER EXTENSION {} DROP {} {name};",
                what.trim_start_matches(MEMBER),
                kind.words().to_uppercase()
            )),
            (_, "ROW LEVEL SECURITY") => {
                Some(format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY;"))
            }
            (_, "FORCE ROW LEVEL SECURITY") => {
                Some(format!("ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY;"))
            }
            (Kind::TextSearchConfiguration, "MAPPING") => Some(mapping(&name, &key.name)),
            (Kind::TextSearchDictionary, "OPTIONS") => Some(format!(
                "ALTER TEXT SEARCH DICTIONARY {name} ({});",
                dictionary_options(&key.name)
            )),
            (_, "UNLOGGED") => Some(format!("ALTER TABLE {name} SET LOGGED;")),
            _ => None,
        })
        .collect();
    sql.join(" ")
}

/// The statements that take back what was altered of a routine.
fn routine(routine: &str, altered: &str) -> String {
    let actions: Vec<String> = altered
        .split(", ")
        .filter_map(|what| match what {
            "SECURITY DEFINER" => Some("SECURITY INVOKER".to_owned()),
            "LEAKPROOF" => Some("NOT LEAKPROOF".to_owned()),
            other => other
                .strip_prefix("SET ")
                .map(|name| format!("RESET {name}")),
        })
        .collect();
    let mut sql = Vec::new();
    if altered.starts_with("OWNER TO ") {
        sql.push(format!("ALTER ROUTINE {routine} OWNER TO CURRENT_USER;"));
    }
    if let Some(extension) = altered.strip_prefix(MEMBER) {
        sql.push(format!(
            "ALTER EXTENSION {extension} DROP ROUTINE {routine};"
        ));
    }
    if !actions.is_empty() {
        sql.push(format!("ALTER ROUTINE {routine} {};", actions.join(" ")));
    }
    sql.join(" ")
}

/// Whose dictionaries have stop words.
const STOPPED: [&str; 15] = [
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "hungarian",
    "italian",
    "nepali",
    "norwegian",
    "portuguese",
    "russian",
    "spanish",
    "swedish",
    "turkish",
];

/// The options that initdb gives a dictionary.
fn dictionary_options(name: &str) -> String {
    let Some(language) = name.strip_suffix("_stem") else {
        return "stopwords, accept".to_owned();
    };
    let stop = if STOPPED.contains(&language) {
        format!(" = {}", sql_literal(language))
    } else {
        String::new()
    };
    format!("language = {}, stopwords{stop}", sql_literal(language))
}

/// The statements that give a text search configuration the mappings of initdb.
fn mapping(name: &str, language: &str) -> String {
    const ASCII: &str = "asciiword, asciihword, hword_asciipart";
    const WORDS: &str = "word, hword, hword_part";
    const REST: &str = "numword, email, url, host, sfloat, version, hword_numpart, numhword, url_path, file, \"float\", \"int\", uint";
    let own = match language {
        "simple" => language.to_owned(),
        _ => format!("{language}_stem"),
    };
    let ascii = match language {
        "russian" | "hindi" => "english_stem",
        _ => &own,
    };
    let add = |tokens: &str, dictionary: &str| {
        format!(
            "ALTER TEXT SEARCH CONFIGURATION {name} ADD MAPPING FOR {tokens} WITH pg_catalog.{};",
            sql_ident(dictionary)
        )
    };
    format!(
        "ALTER TEXT SEARCH CONFIGURATION {name} DROP MAPPING IF EXISTS FOR {ASCII}, {WORDS}, {REST}, protocol, tag, entity, blank; {} {} {}",
        add(ASCII, ascii),
        add(WORDS, &own),
        add(REST, "simple")
    )
}
