SELECT FROM _timescaledb_catalog.chunk ch
  JOIN pg_namespace n ON n.nspname = ch.schema_name
 WHERE n.oid = t.typnamespace AND ch.table_name = t.typname
