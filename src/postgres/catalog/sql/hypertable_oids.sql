-- The hypertables that somebody made: those of compressed data (compression_state 2) and of continuous aggregates are TimescaleDB's.
SELECT c.oid AS oid
  FROM _timescaledb_catalog.hypertable h
  JOIN pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
 WHERE h.compression_state <> 2
   AND NOT EXISTS (SELECT FROM _timescaledb_catalog.continuous_agg a WHERE a.mat_hypertable_id = h.id)
