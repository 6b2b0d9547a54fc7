-- TimescaleDB from 2.31 on knows its chunks by OID.
SELECT ch.relid::oid
  FROM _timescaledb_catalog.chunk ch
 WHERE ch.relid::oid = ANY ($1)
