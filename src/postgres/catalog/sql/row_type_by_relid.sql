SELECT FROM _timescaledb_catalog.chunk ch WHERE ch.relid::oid = t.typrelid
