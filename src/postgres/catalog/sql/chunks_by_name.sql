-- TimescaleDB before 2.31 knows its chunks, those of compressed data included, by schema and name. Each is a table.
SELECT c.oid
  FROM _timescaledb_catalog.chunk ch
  JOIN pg_namespace n ON n.nspname = ch.schema_name
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = ch.table_name AND c.relkind = 'r'
 WHERE c.oid = ANY ($1)
