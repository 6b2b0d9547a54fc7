-- Indexes that are not among $2: on the tables $1, or on any if there is none. One of a TOAST table belongs to its table, and counts where it
-- is not valid: REINDEX TABLE CONCURRENTLY makes such ones. Somebody else may be building one while another
-- client holds its table as builders do; autovacuum, which does too, has no role.
SELECT c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted, t.relname::text AS on_table,
       x.indisvalid AND x.indisready AS valid, pg_catalog.pg_get_indexdef(c.oid) AS definition,
       EXISTS (
           SELECT FROM pg_catalog.pg_locks l
             JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            WHERE l.relation IN (t.oid, c.oid, o.oid) AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
              AND a.usesysid IS NOT NULL AND l.mode IN ('ShareUpdateExclusiveLock', 'RowExclusiveLock')
              AND (l.relation = c.oid OR l.mode = 'ShareUpdateExclusiveLock')
              AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) AS busy
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
  LEFT JOIN pg_catalog.pg_class o ON t.relkind = 't' AND o.reltoastrelid = t.oid
 WHERE c.oid >= 16384
   AND c.relkind = 'i'
   AND t.relpersistence <> 't'
   AND (n.nspname <> 'pg_toast' OR NOT (x.indisvalid AND x.indisready))
   AND (x.indrelid = ANY ($1) OR o.oid = ANY ($1) OR cardinality($1) = 0)
   AND x.indexrelid <> ALL ($2)
 ORDER BY n.nspname = 'pg_toast', 2
