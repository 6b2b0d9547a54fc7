//! The exit codes in words.

use crate::exit::Exit;
use crate::report::explain::Explanation;

/// The exit code that is written like this.
pub(super) fn find(topic: &str) -> Option<Exit> {
    let code: u8 = topic.parse().ok()?;
    Exit::BY_WEIGHT.into_iter().find(|exit| exit.code() == code)
}

/// What ends with a code of its own: `sandbox run`, whose command could not be run. dbctl's other verbs have none of these.
pub(super) fn of_command(topic: &str) -> Option<Explanation> {
    let (title, text) = match topic {
        "126" => (
            "the command cannot be run",
            "Of `sandbox run` alone, which ends with the exit code of its command, and as a shell where there is none: the command is there, \
             and is no program or may not be run. The sandbox was stopped. See its permissions (chmod +x) and its first line.",
        ),
        "127" => (
            "there is no such command",
            "Of `sandbox run` alone, which ends with the exit code of its command, and as a shell where there is none: no program of this \
             name is in the PATH. The sandbox was stopped. What only a shell knows needs one: `dbctl sandbox run -- sh -c '…'`.",
        ),
        _ => return None,
    };
    Some(Explanation {
        topic: topic.to_owned(),
        kind: "exit code",
        title: title.to_owned(),
        text: text.to_owned(),
    })
}

/// The exit codes, ascending.
pub(super) fn list() -> String {
    let mut codes: Vec<u8> = Exit::BY_WEIGHT.iter().map(|exit| exit.code()).collect();
    codes.sort_unstable();
    let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
    codes.join(", ")
}

pub(super) fn explain(exit: Exit) -> Explanation {
    let (title, text) = words(exit);
    Explanation {
        topic: exit.code().to_string(),
        kind: "exit code",
        title: title.to_owned(),
        text: text.to_owned(),
    }
}

const fn words(exit: Exit) -> (&'static str, &'static str) {
    match exit {
        Exit::Done => (
            "done",
            "Everything that was asked for was done. For verify and check: everything was looked at, and nothing is at or above \
             --fail-on (error, unless it says otherwise). Milder findings may be there. For status: everything was read, pending or not.",
        ),
        Exit::Findings => (
            "findings",
            "verify or check found something at or above --fail-on; something else may not have been checked. Each finding says how to \
             mend it, and `dbctl explain RULE` what the rule means. For status: the history does not fit the set, or a database is \
             another service's or was never adopted. For repair: something is left that makes migrate refuse.",
        ),
        Exit::Usage => (
            "wrong usage",
            "An unknown flag, command, service or rule, a --set that is written wrong, or flags that exclude each other. Nothing was done. The message names what was \
             expected; `dbctl COMMAND --help` has examples.",
        ),
        Exit::Refused => (
            "refused",
            "The manifest, a set, a schema lock or an output file is wrong; or a writing command refused a database that is not this \
             service's, or a rollback that would lose data. The refused database was not written to. The message names file and line, or the \
             object in the way.",
        ),
        Exit::Incomplete => (
            "incomplete",
            "Something could not be looked at: a server was unreachable, refused the log-in, did not permit what was to be read, or takes \
             no writes. \
             What was seen is not at or above --fail-on, but that is not all there is. The report names the grant or the admin_url that would \
             help; an [[allow]] entry with not_checked = true accepts a gap. For status --wait: the time was up.",
        ),
        Exit::MigrationFailed => (
            "a migration failed",
            "A migration failed on the server, or the server cannot parse one that is pending, and then nothing was changed. Nothing of a migration that ran in a transaction remains; of one that runs statement by \
             statement the report says what ran, and `dbctl repair --service S` tells and mends what is left. Earlier migrations and the other services' \
             stay applied. The message has file, line, statement and SQLSTATE: `dbctl explain SQLSTATE`.",
        ),
        Exit::Locked => (
            "locked",
            "Another runner holds the migration lock of the database, or a table's lock was not to be had within --lock-timeout. Nothing of \
             this migration remains. The message names who blocks it; run it again when they are done, or with a longer --lock-timeout.",
        ),
        Exit::Interrupted => (
            "interrupted",
            "Ctrl-C, SIGTERM or SIGHUP. The statement that ran was cancelled on the server and its transaction rolled back; of a statement \
             that no transaction holds the report says what is left.",
        ),
    }
}
