-- The relations of $1 that this transaction has locked for changing them. A rollback itself holds every table in SHARE mode.
SELECT DISTINCT l.relation AS oid
  FROM pg_catalog.pg_locks l
 WHERE l.pid = pg_catalog.pg_backend_pid()
   AND l.locktype = 'relation'
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
   AND l.relation = ANY ($1)
   AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock')
