-- Where a hypertable and what it has may lie: in the tablespaces of the hypertable, of its indexes, and those attached to it.
space AS MATERIALIZED (
    SELECT h.oid AS hypertable, c.reltablespace AS oid FROM hypertable h JOIN pg_class c ON c.oid = h.oid
    UNION SELECT x.indrelid, i.reltablespace FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ANY ($1)
    UNION SELECT h.oid, t.oid
            FROM _timescaledb_catalog.tablespace a
            JOIN hypertable h ON h.id = a.hypertable_id
            JOIN pg_tablespace t ON t.spcname = a.tablespace_name
),
placed AS MATERIALIZED (
    SELECT coalesce(x.indrelid, c.oid) AS chunk, c.relname, c.relkind, c.reltablespace
      FROM pg_class c
      LEFT JOIN pg_index x ON x.indexrelid = c.oid
     -- Where nobody has made a tablespace, nothing names one.
     WHERE EXISTS (SELECT FROM pg_tablespace t WHERE t.oid >= 16384)
       AND c.reltablespace = ANY (ARRAY(SELECT t.oid FROM pg_tablespace t WHERE t.spcname <> 'pg_global'))
       AND c.relkind IN ('r', 'i')
)
