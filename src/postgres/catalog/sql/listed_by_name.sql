SELECT ch.id, ch.hypertable_id, n.oid AS relnamespace, ch.table_name AS relname
  FROM _timescaledb_catalog.chunk ch
  LEFT JOIN pg_namespace n ON n.nspname = ch.schema_name
 WHERE NOT ch.osm_chunk
