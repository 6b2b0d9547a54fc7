-- Who builds index $1 on table $2 at this moment. Of other roles' builds a plain role sees no more than the process and the database,
-- so that a lock on the table has to tell which one it is.
SELECT 'process ' || p.pid::text
  FROM pg_catalog.pg_stat_progress_create_index p
 WHERE p.datname = pg_catalog.current_database()
   AND (p.index_relid = $1
        OR EXISTS (SELECT FROM pg_catalog.pg_locks l
                    WHERE l.pid = p.pid AND l.locktype = 'relation' AND l.granted AND l.relation IN ($1, $2)
                      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())))
 ORDER BY p.pid
 LIMIT 1
