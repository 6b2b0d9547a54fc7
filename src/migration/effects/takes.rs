//! Functions whose arguments name an object in a text, as `regclass` or as a name, and what they do to it (PostgreSQL documentation,
//! "System Administration Functions", "System Information Functions", "Sequence Manipulation Functions", "XML Functions" and the pages of
//! its additional modules; TimescaleDB documentation, API reference, with the signatures of its 2.31 and what earlier versions had).

use super::{Access, Class};

/// Which argument it is, where arguments are not called by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// Counted from the first, which is 0.
    At(usize),
    /// Counted from the last, which is 1: those before it may be left out.
    FromLast(usize),
}

use Argument::{At, FromLast};

/// What a function takes.
pub(super) type Takes = (&'static str, Class, Access, Argument);

const fn changes(name: &'static str) -> Takes {
    (name, Class::Relation, Access::Change, At(0))
}

const fn reads(name: &'static str) -> Takes {
    (name, Class::Relation, Access::Read, At(0))
}

/// Every function that is known.
const TAKES: &[Takes] = &[
    // TimescaleDB
    changes("add_columnstore_policy"),
    changes("add_compaction_policy"),
    changes("add_compression_policy"),
    changes("add_continuous_aggregate_policy"),
    changes("add_dimension"),
    ("add_job", Class::Function, Access::Read, At(0)),
    changes("add_policies"),
    changes("add_process_hypertable_invalidations_policy"),
    changes("add_reorder_policy"),
    changes("add_retention_policy"),
    changes("alter_policies"),
    reads("approximate_row_count"),
    changes("attach_chunk"),
    ("attach_chunk", Class::Relation, Access::Change, At(1)),
    ("attach_tablespace", Class::Relation, Access::Change, At(1)),
    changes("cagg_migrate"),
    reads("chunk_columnstore_stats"),
    reads("chunk_compression_stats"),
    reads("chunks_detailed_size"),
    changes("compress_chunk"),
    changes("convert_to_columnstore"),
    changes("convert_to_rowstore"),
    changes("copy_chunk"),
    changes("create_distributed_hypertable"),
    changes("create_hypertable"),
    changes("decompress_chunk"),
    changes("detach_chunk"),
    ("detach_tablespace", Class::Relation, Access::Change, At(1)),
    changes("detach_tablespaces"),
    changes("disable_chunk_skipping"),
    changes("disable_column_stats"),
    changes("drop_chunks"),
    changes("enable_chunk_skipping"),
    changes("enable_column_stats"),
    reads("hypertable_approximate_detailed_size"),
    reads("hypertable_approximate_size"),
    reads("hypertable_columnstore_stats"),
    reads("hypertable_compression_stats"),
    reads("hypertable_detailed_size"),
    reads("hypertable_index_size"),
    reads("hypertable_size"),
    changes("merge_chunks"),
    ("merge_chunks", Class::Relation, Access::Change, At(1)),
    changes("merge_chunks_concurrently"),
    changes("move_chunk"),
    ("move_chunk", Class::Relation, Access::Change, At(3)),
    changes("rebuild_columnstore"),
    changes("recompress_chunk"),
    changes("refresh_continuous_aggregate"),
    changes("remove_all_policies"),
    changes("remove_columnstore_policy"),
    changes("remove_compaction_policy"),
    changes("remove_compression_policy"),
    changes("remove_continuous_aggregate_policy"),
    changes("remove_policies"),
    changes("remove_process_hypertable_invalidations_policy"),
    changes("remove_reorder_policy"),
    changes("remove_retention_policy"),
    changes("reorder_chunk"),
    ("reorder_chunk", Class::Relation, Access::Change, At(1)),
    changes("set_adaptive_chunking"),
    changes("set_chunk_time_interval"),
    changes("set_integer_now_func"),
    ("set_integer_now_func", Class::Function, Access::Read, At(1)),
    changes("set_number_partitions"),
    changes("set_partitioning_interval"),
    reads("show_chunks"),
    reads("show_policies"),
    reads("show_tablespaces"),
    changes("split_chunk"),
    // PostgreSQL
    changes("brin_desummarize_range"),
    changes("brin_summarize_new_values"),
    changes("brin_summarize_range"),
    reads("currtid2"),
    reads("currval"),
    changes("gin_clean_pending_list"),
    (
        "has_any_column_privilege",
        Class::Relation,
        Access::Read,
        FromLast(2),
    ),
    (
        "has_column_privilege",
        Class::Relation,
        Access::Read,
        FromLast(3),
    ),
    (
        "has_function_privilege",
        Class::Function,
        Access::Read,
        FromLast(2),
    ),
    (
        "has_schema_privilege",
        Class::Schema,
        Access::Read,
        FromLast(2),
    ),
    (
        "has_sequence_privilege",
        Class::Relation,
        Access::Read,
        FromLast(2),
    ),
    (
        "has_table_privilege",
        Class::Relation,
        Access::Read,
        FromLast(2),
    ),
    ("has_type_privilege", Class::Type, Access::Read, FromLast(2)),
    reads("nextval"),
    changes("pg_clear_attribute_stats"),
    changes("pg_clear_relation_stats"),
    changes("pg_extension_config_dump"),
    reads("pg_get_serial_sequence"),
    reads("pg_get_viewdef"),
    reads("pg_index_column_has_property"),
    reads("pg_index_has_property"),
    reads("pg_indexes_size"),
    reads("pg_partition_ancestors"),
    reads("pg_partition_root"),
    reads("pg_partition_tree"),
    reads("pg_relation_filenode"),
    reads("pg_relation_filepath"),
    reads("pg_relation_is_updatable"),
    reads("pg_relation_size"),
    reads("pg_sequence_last_value"),
    reads("pg_sequence_parameters"),
    reads("pg_table_size"),
    reads("pg_total_relation_size"),
    reads("row_security_active"),
    ("schema_to_xml", Class::Schema, Access::Read, At(0)),
    (
        "schema_to_xml_and_xmlschema",
        Class::Schema,
        Access::Read,
        At(0),
    ),
    ("schema_to_xmlschema", Class::Schema, Access::Read, At(0)),
    changes("setval"),
    reads("table_to_xml"),
    reads("table_to_xml_and_xmlschema"),
    reads("table_to_xmlschema"),
    reads("to_regclass"),
    ("to_regnamespace", Class::Schema, Access::Read, At(0)),
    ("to_regproc", Class::Function, Access::Read, At(0)),
    ("to_regprocedure", Class::Function, Access::Read, At(0)),
    ("to_regtype", Class::Type, Access::Read, At(0)),
    // Its additional modules
    reads("bt_index_check"),
    reads("bt_index_parent_check"),
    reads("connectby"),
    reads("get_raw_page"),
    reads("gin_index_check"),
    changes("heap_force_freeze"),
    changes("heap_force_kill"),
    reads("pg_check_frozen"),
    reads("pg_check_visible"),
    reads("pg_freespace"),
    reads("pg_prewarm"),
    reads("pg_relpages"),
    changes("pg_truncate_visibility_map"),
    reads("pg_visibility"),
    reads("pg_visibility_map"),
    reads("pg_visibility_map_summary"),
    reads("pgstatginindex"),
    reads("pgstathashindex"),
    reads("pgstatindex"),
    reads("pgstattuple"),
    reads("pgstattuple_approx"),
    reads("verify_heapam"),
    ("xpath_table", Class::Relation, Access::Read, At(2)),
];

/// What arguments are called that name a relation.
const RELATIONS: [&str; 16] = [
    "cagg",
    "chunk",
    "chunk1",
    "chunk2",
    "chunks",
    "continuous_aggregate",
    "hypertable",
    "hypertable_name",
    "index",
    "index_name",
    "main_table",
    "relation",
    "reorder_index",
    "table",
    "tbl",
    "uncompressed_chunk",
];

/// What arguments are called that name a function.
const FUNCTIONS: [&str; 4] = [
    "check_config",
    "integer_now_func",
    "partitioning_func",
    "proc",
];

/// What a function takes; nothing when it is not known.
pub(super) fn takes(function: &str) -> impl Iterator<Item = &'static Takes> {
    TAKES.iter().filter(move |(name, ..)| *name == function)
}

/// What an argument of this name stands for, if it names an object.
pub(super) fn class_of(argument: &str) -> Option<Class> {
    if RELATIONS.contains(&argument) {
        Some(Class::Relation)
    } else if FUNCTIONS.contains(&argument) {
        Some(Class::Function)
    } else if argument == "schema" {
        Some(Class::Schema)
    } else {
        None
    }
}
