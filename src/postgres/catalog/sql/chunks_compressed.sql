-- The tables that hold compressed chunks.
SELECT cs.compress_relid::oid
  FROM _timescaledb_catalog.compression_settings cs
 WHERE cs.compress_relid IS NOT NULL
