SELECT ch.id, ch.hypertable_id, c.relnamespace, c.relname
  FROM _timescaledb_catalog.chunk ch
  LEFT JOIN child c ON c.oid = ch.relid::oid
 WHERE NOT ch.osm_chunk
