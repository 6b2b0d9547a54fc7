//! SQLSTATEs in words: names and classes from the PostgreSQL documentation, appendix "PostgreSQL Error Codes".

use crate::report::explain::Explanation;

/// Code, name, and what to do when dbctl reports it.
const CODES: &[(&str, &str, &str)] = &[
    (
        "0A000",
        "feature_not_supported",
        "The server's version, edition or license does not have what the statement asks for. TimescaleDB's Apache edition refuses compression, retention and continuous aggregates like this.",
    ),
    (
        "08001",
        "sqlclient_unable_to_establish_sqlconnection",
        "No connection came about. Check host and port with `dbctl services`.",
    ),
    (
        "08006",
        "connection_failure",
        "The connection broke. dbctl looks what became of a commit that was under way; run it again.",
    ),
    (
        "08P01",
        "protocol_violation",
        "What answers does not speak PostgreSQL's protocol as a server does: a pooler, a proxy, or another program's port.",
    ),
    (
        "22P02",
        "invalid_text_representation",
        "A text is no value of the type that it was put into. The message names both.",
    ),
    (
        "23502",
        "not_null_violation",
        "A column that may not be NULL would be: rows are there that the migration did not fill.",
    ),
    (
        "23503",
        "foreign_key_violation",
        "A row points to one that is not there. Mend the rows first, or add the constraint NOT VALID.",
    ),
    (
        "23505",
        "unique_violation",
        "Two rows would have the same key. Remove the duplicates before the migration makes the key unique.",
    ),
    (
        "23514",
        "check_violation",
        "A row does not fulfil a CHECK. Mend the rows first, or add the constraint NOT VALID.",
    ),
    (
        "25001",
        "active_sql_transaction",
        "The statement cannot run in a transaction block. dbctl runs a file with such a statement statement by statement; one within a function or DO block it cannot see.",
    ),
    (
        "25006",
        "read_only_sql_transaction",
        "The session or the server is read only. Of a standby give the URL of the primary; default_transaction_read_only is set in the URL's options, for the role, for the database or for the server.",
    ),
    (
        "25P02",
        "in_failed_sql_transaction",
        "An earlier statement of the transaction failed: that one is the cause.",
    ),
    (
        "28000",
        "invalid_authorization_specification",
        "pg_hba.conf has no line that lets this role in from here, or the role may not log in. `dbctl provision` makes the role.",
    ),
    (
        "28P01",
        "invalid_password",
        "The password is wrong for this role. `dbctl services` shows which variable it comes from, never the password.",
    ),
    (
        "2BP01",
        "dependent_objects_still_exist",
        "Something else depends on what is to be dropped. The message names it; drop that first.",
    ),
    (
        "3D000",
        "invalid_catalog_name",
        "There is no such database on this server. `dbctl provision` makes the one that the manifest names; a URL that names another is to be mended.",
    ),
    (
        "40001",
        "serialization_failure",
        "Two transactions changed the same rows. Run it again.",
    ),
    (
        "40P01",
        "deadlock_detected",
        "Two sessions waited for each other. dbctl tries the whole transaction again, up to --lock-timeout.",
    ),
    (
        "42501",
        "insufficient_privilege",
        "The role lacks a privilege. For verify the report names the grant that would help, or admin_url; for migrate the object must be owned by the service's role.",
    ),
    (
        "42601",
        "syntax_error",
        "The SQL cannot be read. The message has file and line.",
    ),
    (
        "42701",
        "duplicate_column",
        "The column is there already: somebody made it by hand, or the history lost the row of the migration that did. `dbctl repair --service S` proves the latter and writes the row.",
    ),
    (
        "42703",
        "undefined_column",
        "There is no such column. Is an earlier migration missing, or the order of the files wrong?",
    ),
    (
        "42704",
        "undefined_object",
        "There is no such type, role, extension or other object. Is an earlier migration or an extension missing?",
    ),
    (
        "42710",
        "duplicate_object",
        "The object is there already: the database is ahead of its history. `dbctl status` and `dbctl baseline --service S` tell.",
    ),
    (
        "42723",
        "duplicate_function",
        "The function is there already: the database is ahead of its history. `dbctl status` and `dbctl baseline --service S` tell.",
    ),
    (
        "42804",
        "datatype_mismatch",
        "Two types do not fit. A column's change of type may need USING.",
    ),
    (
        "42883",
        "undefined_function",
        "There is no such function for these types. Is an extension missing, or its schema not in the search_path?",
    ),
    (
        "42P01",
        "undefined_table",
        "There is no such table. Is an earlier migration missing, or does the statement name another service's table?",
    ),
    (
        "42P06",
        "duplicate_schema",
        "The schema is there already: the database is ahead of its history. `dbctl status` and `dbctl baseline --service S` tell.",
    ),
    (
        "42P07",
        "duplicate_table",
        "The table or index is there already: the database is ahead of its history. `dbctl status` and `dbctl baseline --service S` tell.",
    ),
    (
        "53100",
        "disk_full",
        "The server's disk is full. Make room there; the transaction was rolled back.",
    ),
    (
        "53200",
        "out_of_memory",
        "The server is out of memory, or its lock table is full: then raise max_locks_per_transaction, which many chunks need.",
    ),
    (
        "53300",
        "too_many_connections",
        "The server takes no more connections. Use fewer at once (--jobs, --jobs-per-server), or raise max_connections.",
    ),
    (
        "55000",
        "object_not_in_prerequisite_state",
        "The object is not in the state that the statement needs. The message says which.",
    ),
    (
        "55006",
        "object_in_use",
        "Somebody is connected to the database or uses the object. End those sessions first.",
    ),
    (
        "55P03",
        "lock_not_available",
        "A lock was not to be had in time. dbctl tries again up to --lock-timeout and names who holds it; exit code 6.",
    ),
    (
        "57014",
        "query_canceled",
        "The statement was cancelled: --statement-timeout, Ctrl-C, or an administrator.",
    ),
    (
        "57P01",
        "admin_shutdown",
        "The server was shut down or the session ended by an administrator. Run it again; `dbctl status` tells where it stands.",
    ),
    (
        "57P03",
        "cannot_connect_now",
        "The server is starting, stopping or recovering. dbctl waits for one that says so; --wait waits for one that does not answer.",
    ),
    (
        "58P01",
        "undefined_file",
        "A file is missing on the server's host: an extension's, for example. Install its package there.",
    ),
    (
        "XX000",
        "internal_error",
        "The server met a state that it does not expect. Its log has more.",
    ),
    (
        "XX001",
        "data_corrupted",
        "The server found damaged data. Stop writing, keep a copy of the data directory, and look at its log.",
    ),
    (
        "TS101",
        "operation_not_supported (TimescaleDB)",
        "TimescaleDB does not do this with a hypertable or its chunks. Do it with the table before it becomes one, or as TimescaleDB's documentation says.",
    ),
    (
        "TS102",
        "bad_hypertable_definition (TimescaleDB)",
        "The table cannot be a hypertable like this. Its time column must be there and have a type that orders in time.",
    ),
    (
        "TS103",
        "bad_hypertable_index_definition (TimescaleDB)",
        "A unique index or primary key of a hypertable must hold every column that it is partitioned by. Add the time column to the key.",
    ),
    (
        "TS110",
        "hypertable_exists (TimescaleDB)",
        "The table is a hypertable already. Was the statement run before, by hand? create_hypertable takes if_not_exists => true.",
    ),
];

/// The classes: the first two characters and their meaning.
const CLASSES: &[(&str, &str)] = &[
    ("00", "successful completion"),
    ("01", "warning"),
    ("02", "no data"),
    ("03", "SQL statement not yet complete"),
    ("08", "connection exception"),
    ("09", "triggered action exception"),
    ("0A", "feature not supported"),
    ("0B", "invalid transaction initiation"),
    ("0F", "locator exception"),
    ("0L", "invalid grantor"),
    ("0P", "invalid role specification"),
    ("0Z", "diagnostics exception"),
    ("20", "case not found"),
    ("21", "cardinality violation"),
    ("22", "data exception"),
    ("23", "integrity constraint violation"),
    ("24", "invalid cursor state"),
    ("25", "invalid transaction state"),
    ("26", "invalid SQL statement name"),
    ("27", "triggered data change violation"),
    ("28", "invalid authorization specification"),
    ("2B", "dependent privilege descriptors still exist"),
    ("2D", "invalid transaction termination"),
    ("2F", "SQL routine exception"),
    ("34", "invalid cursor name"),
    ("38", "external routine exception"),
    ("39", "external routine invocation exception"),
    ("3B", "savepoint exception"),
    ("3D", "invalid catalog name"),
    ("3F", "invalid schema name"),
    ("40", "transaction rollback"),
    ("42", "syntax error or access rule violation"),
    ("44", "WITH CHECK OPTION violation"),
    ("53", "insufficient resources"),
    ("54", "program limit exceeded"),
    ("55", "object not in prerequisite state"),
    ("57", "operator intervention"),
    ("58", "system error (errors external to PostgreSQL itself)"),
    ("72", "snapshot failure"),
    ("F0", "configuration file error"),
    ("HV", "foreign data wrapper error (SQL/MED)"),
    ("P0", "PL/pgSQL error"),
    ("TS", "TimescaleDB"),
    ("XX", "internal error"),
];

/// What an SQLSTATE means; `None` when it is not written like one, or its class is none of PostgreSQL's.
pub(super) fn explain(topic: &str) -> Option<Explanation> {
    let code = topic.to_ascii_uppercase();
    if code.len() != 5 || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let (class, class_name) = CLASSES.iter().find(|(class, _)| code.starts_with(class))?;
    let known = CODES.iter().find(|(known, _, _)| *known == code);
    let (title, text) = match known {
        Some((_, name, text)) => ((*name).to_owned(), format!("{text}\n\nClass {class}: {class_name}.")),
        None => (
            format!("class {class}: {class_name}"),
            "The server's message beside the code says what it met; PostgreSQL's appendix \"PostgreSQL Error Codes\" has the code's name."
                .to_owned(),
        ),
    };
    Some(Explanation {
        topic: code,
        kind: "sqlstate",
        title,
        text,
    })
}
