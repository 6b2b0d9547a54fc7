-- What TimescaleDB (Community edition) makes behind a compressed hypertable (compression_state 2) or a continuous aggregate: in a schema of its
-- own, so that no row in its catalog hides what lies elsewhere.
SELECT c.oid
  FROM (SELECT schema_name, table_name FROM _timescaledb_catalog.hypertable
         WHERE compression_state = 2
            OR id IN (SELECT mat_hypertable_id FROM _timescaledb_catalog.continuous_agg)
        UNION ALL SELECT partial_view_schema, partial_view_name FROM _timescaledb_catalog.continuous_agg
        UNION ALL SELECT direct_view_schema, direct_view_name FROM _timescaledb_catalog.continuous_agg) i(nsp, rel)
  JOIN pg_namespace n ON n.nspname = i.nsp AND n.nspname = '_timescaledb_internal'
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = i.rel
