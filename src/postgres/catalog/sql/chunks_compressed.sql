-- The tables that hold compressed chunks, in TimescaleDB's own schema.
SELECT cs.compress_relid::oid
  FROM _timescaledb_catalog.compression_settings cs
  JOIN pg_class c ON c.oid = cs.compress_relid
 WHERE c.relnamespace = to_regnamespace('_timescaledb_internal')
