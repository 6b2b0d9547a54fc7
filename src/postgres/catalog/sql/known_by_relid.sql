known AS (
    SELECT ch.id, ch.hypertable_id, c.oid, c.relname, c.relnamespace, c.relkind, c.relrowsecurity, c.relpersistence
      FROM _timescaledb_catalog.chunk ch
      JOIN pg_class c ON c.oid = ch.relid
     WHERE NOT ch.osm_chunk
),
