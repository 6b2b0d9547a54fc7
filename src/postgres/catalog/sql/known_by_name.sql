known AS (
    SELECT ch.id, ch.hypertable_id, c.oid, c.relname, c.relnamespace, c.relkind, c.relrowsecurity, c.relpersistence
      FROM _timescaledb_catalog.chunk ch
      JOIN pg_namespace n ON n.nspname = ch.schema_name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = ch.table_name AND c.relkind = 'r'
     WHERE NOT ch.osm_chunk
),
