-- Hypertables among the relations $1: the hypertable side of a table. The interval's unit is the column's; microseconds for times.
SELECT 'hypertable' AS kind, n.nspname::text AS schema, c.relname::text AS parent, c.relname::text AS name, '' AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           'time_column', d.column_name::text,
           'time_type', format_type(d.column_type, NULL),
           'chunk_interval', d.interval_length::text,
           'dimensions', CASE WHEN h.num_dimensions > 1 THEN (
               SELECT string_agg(a.column_name || coalesce(format(' (%s partitions)', a.num_slices), ''), ', ' ORDER BY a.id)
                 FROM _timescaledb_catalog.dimension a WHERE a.hypertable_id = h.id) END,
           'integer_now', CASE WHEN d.integer_now_func <> '' THEN format('%I.%I', d.integer_now_func_schema, d.integer_now_func) END,
           'compression', CASE WHEN h.compression_state = 1 THEN 'enabled' END
       ) AS attributes
  FROM _timescaledb_catalog.hypertable h
  JOIN pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
  LEFT JOIN LATERAL (SELECT d.* FROM _timescaledb_catalog.dimension d
                      WHERE d.hypertable_id = h.id AND d.interval_length IS NOT NULL ORDER BY d.id LIMIT 1) d ON true
 WHERE c.oid = ANY ($1)
