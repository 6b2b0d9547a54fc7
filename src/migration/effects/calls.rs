//! Functions that do more than compute: their arguments name relations, files, settings, other databases.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::constant::{self, UNKNOWN, Variables};
use super::takes::{Argument, class_of, takes};
use super::walk::{Ground, Reader};
use super::{Access, Act, Class, Path, Scope, body, loose, names, setting};

/// Functions that read or write files of the server (PostgreSQL documentation, "Generic File Access Functions", "Server-Side
/// Functions" of large objects, and adminpack).
const FILE: [&str; 22] = [
    "lo_export",
    "lo_import",
    "pg_file_rename",
    "pg_file_sync",
    "pg_file_unlink",
    "pg_file_write",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_ls_archive_statusdir",
    "pg_ls_dir",
    "pg_ls_logdir",
    "pg_ls_logicalmapdir",
    "pg_ls_logicalsnapdir",
    "pg_ls_replslotdir",
    "pg_ls_summariesdir",
    "pg_ls_tmpdir",
    "pg_ls_waldir",
    "pg_logdir_ls",
    "pg_read_binary_file",
    "pg_read_file",
    "pg_show_all_file_settings",
    "pg_stat_file",
];

/// Functions that reach other databases and hosts: pg_background runs a text in a session of its own, TimescaleDB before 2.14 had nodes.
const LINKS: [&str; 5] = [
    "add_data_node",
    "attach_data_node",
    "distributed_exec",
    "pg_background_launch",
    "pg_background_launch_v2",
];

/// Schemas of extensions whose functions do the same: pg_net, aws_s3, aws_lambda, pglogical, spock.
const LINK_SCHEMAS: [&str; 5] = ["aws_lambda", "aws_s3", "net", "pglogical", "spock"];

/// Functions that steer the server (PostgreSQL documentation, "System Administration Functions", "Statistics Functions"). Slots are the
/// server's, whichever database they decode.
const SERVER: [&str; 29] = [
    "pg_backup_start",
    "pg_backup_stop",
    "pg_cancel_backend",
    "pg_copy_logical_replication_slot",
    "pg_copy_physical_replication_slot",
    "pg_create_restore_point",
    "pg_drop_replication_slot",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_logical_slot_get_binary_changes",
    "pg_logical_slot_get_changes",
    "pg_promote",
    "pg_reload_conf",
    "pg_replication_origin_advance",
    "pg_replication_origin_create",
    "pg_replication_origin_drop",
    "pg_replication_slot_advance",
    "pg_rotate_logfile",
    "pg_start_backup",
    "pg_stat_reset_replication_slot",
    "pg_stat_reset_shared",
    "pg_stat_reset_slru",
    "pg_stat_reset_subscription_stats",
    "pg_stop_backup",
    "pg_switch_wal",
    "pg_sync_replication_slots",
    "pg_terminate_backend",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
];

/// Functions that run arguments as SQL, and which, counted from 0 (PostgreSQL documentation, "XML Functions", "Text Search Functions and
/// Operators", "tablefunc"; HypoPG says it of its own).
const RUNS: [(&str, &[usize]); 12] = [
    ("crosstab", &[0, 1]),
    ("crosstab2", &[0]),
    ("crosstab3", &[0]),
    ("crosstab4", &[0]),
    ("crosstab_hash", &[0, 1]),
    ("cursor_to_xml", &[0]),
    ("hypopg_create_index", &[0]),
    ("query_to_xml", &[0]),
    ("query_to_xml_and_xmlschema", &[0]),
    ("query_to_xmlschema", &[0]),
    ("ts_rewrite", &[1]),
    ("ts_stat", &[0]),
];

/// Views that show what the server's files hold (PostgreSQL documentation, "System Views").
const FILE_VIEWS: [&str; 3] = [
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
];

/// Whether the server has a function of this name that reaches its files or steers it.
pub(super) fn is_servers(function: &str) -> bool {
    FILE.contains(&function) || SERVER.contains(&function)
}

/// Takes down what a call does.
pub(super) fn read(
    reader: &mut Reader,
    node: &SyntaxNode,
    ground: Ground<'_>,
    variables: &Variables,
) {
    let at = ground(usize::from(node.text_range().start()));
    match node.kind() {
        SyntaxKind::RELATION_NAME_REF => view(reader, node, at),
        SyntaxKind::FUNCTION_NAME_REF | SyntaxKind::ATTRIBUTE_VALUE => defined(reader, node, at),
        SyntaxKind::CAST_EXPR => cast(reader, node, at, variables),
        SyntaxKind::CALL_EXPR => {
            if let Some((_, function)) = names::called(node) {
                call(reader, node, &function, at, variables);
            }
        }
        SyntaxKind::CALL => {
            let name = node
                .children()
                .find(|child| child.kind() == SyntaxKind::PROCEDURE_NAME_REF);
            if let Some(procedure) = name.and_then(|name| names::path(&name)) {
                call(reader, node, &procedure, at, variables);
            }
        }
        _ => {}
    }
}

/// A query of a view that reads the server's files.
fn view(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    let path = names::path(node).filter(|path| {
        FILE_VIEWS.contains(&path.name.as_str())
            && path
                .schema
                .as_deref()
                .is_none_or(|schema| schema == "pg_catalog")
    });
    if let Some(path) = path.filter(|_| names::access(node) == Access::Read) {
        reader.say(at, Act::ServerFile { what: path.name });
    }
}

/// `'blocks'::regclass` and its like name an object in a text.
fn cast(reader: &mut Reader, node: &SyntaxNode, at: usize, variables: &Variables) {
    let kind = node
        .children()
        .find(|child| child.kind() == SyntaxKind::PATH_TYPE)
        .and_then(|child| names::path(&child))
        .map(|path| path.name);
    let class = match kind.as_deref() {
        Some("regclass") => Class::Relation,
        Some("regproc" | "regprocedure") => Class::Function,
        Some("regtype") => Class::Type,
        Some("regnamespace") => Class::Schema,
        _ => return,
    };
    let text = node.children().find(|child| {
        child.kind() != SyntaxKind::PATH_TYPE && child.kind() != SyntaxKind::COLON_COLON
    });
    if let Some(text) = text {
        for name in variables.value(&text).texts {
            named(reader, at, class, Access::Read, &name);
        }
    }
}

fn named(reader: &mut Reader, at: usize, class: Class, access: Access, text: &str) {
    if let Some(path) = loose::text_path(text).filter(|path| path.name != UNKNOWN) {
        reader.say(
            at,
            Act::Names {
                class,
                access,
                path,
                temporary: false,
            },
        );
    }
}

fn call(reader: &mut Reader, node: &SyntaxNode, function: &Path, at: usize, variables: &Variables) {
    let name = function.name.as_str();
    let arguments = constant::arguments(node);
    let values = |index: usize| {
        arguments
            .get(index)
            .map(|argument| variables.value(argument))
            .unwrap_or_default()
    };
    reader.say(
        at,
        Act::Names {
            class: Class::Function,
            access: Access::Read,
            path: function.clone(),
            temporary: false,
        },
    );
    if reaches(reader, function, at, &|| values(0).texts) {
        return;
    }
    if let Some((_, which)) = RUNS.iter().find(|(known, _)| *known == name) {
        for index in which.iter().filter(|index| **index < arguments.len()) {
            let value = values(*index);
            // The number of columns that an older crosstab() takes, and what ts_rewrite() puts in where it is given no query.
            let number = value.texts.iter().all(|text| text.parse::<u32>().is_ok());
            if !(number || name == "ts_rewrite" && arguments.len() > 2) {
                body::run(reader, &value, at, name);
            }
        }
    } else if name == "set_config" {
        set_config(
            reader,
            at,
            &values(0).texts,
            &values(1).texts,
            arguments.get(2).is_some_and(is_true),
        );
    } else {
        objects(reader, name, &arguments, at, variables);
    }
}

/// Whether a function reaches beyond the database; then it is told. `first` are the texts that its first argument may be.
fn reaches(
    reader: &mut Reader,
    function: &Path,
    at: usize,
    first: &dyn Fn() -> Vec<String>,
) -> bool {
    let name = function.name.as_str();
    let links = name.starts_with("dblink")
        || name.starts_with("postgres_fdw_")
        || name.starts_with("http_")
        || LINKS.contains(&name)
        || function
            .schema
            .as_deref()
            .is_some_and(|schema| LINK_SCHEMAS.contains(&schema))
        || name.starts_with("pg_create_") && name.ends_with("_replication_slot");
    let act = if links {
        Act::Link {
            kind: "function",
            name: name.to_owned(),
        }
    } else if function.schema.as_deref() == Some("cron") {
        Act::Link {
            kind: "job",
            name: function.to_string(),
        }
    } else if FILE.contains(&name) {
        let file = first().into_iter().find(|text| text != UNKNOWN);
        Act::ServerFile {
            what: file.map_or_else(|| format!("{name}()"), |file| format!("{name}({file})")),
        }
    } else if SERVER.contains(&name) {
        Act::Server {
            what: format!("{name}()"),
        }
    } else {
        return false;
    };
    reader.say(at, act);
    true
}

/// A function that a definition names, to be called by whatever is defined: a cast, an operator, an aggregate.
fn defined(reader: &mut Reader, node: &SyntaxNode, at: usize) {
    let function = names::path(node);
    if let Some(function) = function.filter(|_| names::is_in_definition(node)) {
        reaches(reader, &function, at, &Vec::new);
    }
}

/// Whether an argument is true as it is written (PostgreSQL documentation, "Boolean Type"), be it given by its name.
fn is_true(argument: &SyntaxNode) -> bool {
    let text = argument.text().to_string().to_ascii_lowercase();
    let value = text
        .rsplit_once("=>")
        .map_or(text.as_str(), |(_, value)| value);
    let value = value.split("::").next().unwrap_or_default();
    let word = value.trim().trim_matches('\'').trim();
    ["true", "t", "yes", "y", "on", "1"].contains(&word)
}

fn set_config(
    reader: &mut Reader,
    at: usize,
    parameters: &[String],
    values: &[String],
    local: bool,
) {
    let scope = match local {
        true => Scope::Transaction,
        false => Scope::Session,
    };
    for parameter in parameters {
        let parameter = parameter.to_ascii_lowercase();
        if parameter == "role" || parameter == "session_authorization" {
            for role in values {
                reader.say(
                    at,
                    Act::Role {
                        does: "runs as role",
                        role: role.clone(),
                    },
                );
            }
            continue;
        }
        let value = if parameter == setting::SEARCH_PATH {
            values
                .iter()
                .flat_map(|value| value.split(','))
                .map(|schema| schema.trim().trim_matches('"').to_owned())
                .collect()
        } else {
            Vec::new()
        };
        reader.say(
            at,
            Act::Sets {
                parameter,
                value,
                scope: scope.clone(),
            },
        );
    }
}

/// A call whose arguments name objects, by their places or by their names.
fn objects(
    reader: &mut Reader,
    function: &str,
    arguments: &[SyntaxNode],
    at: usize,
    variables: &Variables,
) {
    let mut access = Access::Read;
    let mut given: Vec<(Class, SyntaxNode)> = Vec::new();
    let mut known = false;
    for (_, class, does, which) in takes(function) {
        known = true;
        access = *does;
        let index = match which {
            Argument::At(index) => Some(*index),
            Argument::FromLast(count) => arguments.len().checked_sub(*count),
        };
        let placed = index.and_then(|index| arguments.get(index));
        given.extend(
            placed
                .filter(|placed| argument_name(placed).is_none())
                .map(|placed| (*class, placed.clone())),
        );
    }
    if !known {
        return;
    }
    given.extend(arguments.iter().filter_map(|argument| {
        let class = class_of(&argument_name(argument)?)?;
        Some((class, argument.clone()))
    }));
    for (class, argument) in given {
        let access = match class {
            Class::Relation => access,
            _ => Access::Read,
        };
        let value = variables.value(&argument);
        for text in &value.texts {
            named(reader, at, class, access, text);
        }
        let unknown = value.open || value.texts.iter().any(|text| text == UNKNOWN);
        if unknown && access == Access::Change && function != "setval" {
            reader.say(
                at,
                Act::Dynamic {
                    why: format!("{function}() is given a relation that is not in the file"),
                },
            );
        }
        if class == Class::Relation {
            partitions(reader, function, &value.texts, arguments, at, variables);
        }
    }
}

/// `create_hypertable()`, `add_dimension()` and their like.
fn partitions(
    reader: &mut Reader,
    function: &str,
    tables: &[String],
    arguments: &[SyntaxNode],
    at: usize,
    variables: &Variables,
) {
    let makes = matches!(
        function,
        "create_hypertable" | "create_distributed_hypertable"
    );
    if !makes && function != "add_dimension" {
        return;
    }
    let first = column(
        arguments,
        &["time_column_name", "column_name", "dimension"],
        1,
        variables,
    );
    // Where dimensions are made by functions, the third argument is no column.
    let second = column(arguments, &["partitioning_column"], 2, variables).filter(|_| {
        makes
            && arguments
                .get(1)
                .is_none_or(|second| dimension(second).is_none())
    });
    for table in tables.iter().filter_map(|text| loose::text_path(text)) {
        for column in [&first, &second].into_iter().flatten() {
            reader.say(
                at,
                Act::Partitions {
                    table: table.clone(),
                    column: column.clone(),
                },
            );
        }
    }
}

/// The partition column in the argument of one of these names, or else in this place: itself, or in `by_range(column, …)`.
fn column(
    arguments: &[SyntaxNode],
    names: &[&str],
    place: usize,
    variables: &Variables,
) -> Option<String> {
    let argument = arguments
        .iter()
        .find(|argument| argument_name(argument).is_some_and(|name| names.contains(&name.as_str())))
        .or_else(|| {
            arguments
                .get(place)
                .filter(|placed| argument_name(placed).is_none())
        })?;
    let value = match dimension(argument) {
        Some(dimension) => variables.value(constant::arguments(&dimension).first()?),
        None => variables.value(argument),
    };
    match value.texts.as_slice() {
        [column] if !value.open && is_column(column) => Some(column.clone()),
        _ => None,
    }
}

/// Whether a value can be a column's name: `NULL`, which is empty, `TRUE` and what is not known are none.
fn is_column(value: &str) -> bool {
    value != UNKNOWN
        && !["", "null", "true", "false"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word))
}

/// The call of `by_range()` or `by_hash()` in an argument.
fn dimension(argument: &SyntaxNode) -> Option<SyntaxNode> {
    argument
        .descendants()
        .filter(|inner| inner.kind() == SyntaxKind::CALL_EXPR)
        .find(|inner| {
            names::called(inner).is_some_and(|(_, function)| {
                matches!(function.name.as_str(), "by_range" | "by_hash")
            })
        })
}

/// What an argument is called, if it is given by its name.
pub(super) fn argument_name(argument: &SyntaxNode) -> Option<String> {
    argument
        .descendants()
        .take(2)
        .find(|inner| inner.kind() == SyntaxKind::NAMED_ARG)?
        .children()
        .find(|child| child.kind() == SyntaxKind::PARAM_NAME_REF)
        .map(|name| names::folded(&name))
}
