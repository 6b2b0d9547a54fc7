-- The session, its server and its database in one row, and which of the guarded facts this role may read.
-- Nothing here needs more than CONNECT. to_regclass() would raise an error for a schema without USAGE, hence the joins.
WITH target AS MATERIALIZED (
    SELECT n.nspname, c.relname,
           has_schema_privilege(n.oid, 'USAGE') AS usage,
           has_table_privilege(c.oid, 'SELECT') AS selectable,
           row_security_active(c.oid) AS filtered
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p')
       AND c.relname IN ($2, $4)
       AND (n.nspname = $1 AND c.relname = $2 OR n.nspname = $3 AND c.relname = $4)
),
timescale AS MATERIALIZED (
    -- TimescaleDB changes its catalog between versions (2.31: chunk.relid instead of names), so ask for columns.
    SELECT c.relname || '.' || a.attname AS name
      FROM pg_extension e
      JOIN pg_namespace n ON n.nspname = '_timescaledb_catalog'
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname IN ('chunk', 'compression_settings')
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE e.extname = 'timescaledb'
)
SELECT current_setting('server_version_num')::int4 AS version_num,
       split_part(current_setting('server_version'), ' ', 1) AS version,
       pg_is_in_recovery() AS standby,
       current_database()::text AS database,
       (SELECT oid FROM pg_database WHERE datname = current_database()) AS database_oid,
       (SELECT substring(shobj_description(oid, 'pg_database') FROM 'dbctl:service=([^[:space:],;]+)')
          FROM pg_database WHERE datname = current_database()) AS marked,
       session_user::text AS session_user,
       current_user::text AS current_user,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb,
       current_setting('timescaledb.license', true) AS timescaledb_license,
       EXISTS (SELECT FROM timescale WHERE name = 'chunk.relid') AS chunk_relid,
       EXISTS (SELECT FROM timescale WHERE name = 'chunk.dropped') AS chunk_dropped,
       EXISTS (SELECT FROM timescale WHERE name = 'compression_settings.compress_relid') AS compress_relid,
       has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS control_system,
       has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE') AS hba_function,
       has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT') AS hba_view,
       has_column_privilege('pg_catalog.pg_subscription', 'subconninfo', 'SELECT') AS conninfo,
       h.relname IS NOT NULL AS history_exists,
       coalesce(h.usage, false) AS history_usage,
       coalesce(h.selectable, false) AS history_select,
       coalesce(h.filtered, false) AS history_filtered,
       s.relname IS NOT NULL AS stamp_exists,
       coalesce(s.usage, false) AS stamp_usage,
       coalesce(s.selectable, false) AS stamp_select,
       coalesce(s.filtered, false) AS stamp_filtered
  FROM (VALUES (1)) AS one
  LEFT JOIN target h ON h.nspname = $1 AND h.relname = $2
  LEFT JOIN target s ON s.nspname = $3 AND s.relname = $4
