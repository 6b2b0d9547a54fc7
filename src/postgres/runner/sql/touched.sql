-- The relations of $1 that this transaction has locked, and those of $2, dbctl's own tables, that it has locked for writing, which ANALYZE does not do. A lock
-- is kept until the transaction ends, also on a table that it has dropped.
SELECT DISTINCT l.relation AS oid, l.relation = ANY ($2) AS own
  FROM pg_catalog.pg_locks l
 WHERE l.pid = pg_catalog.pg_backend_pid()
   AND l.locktype = 'relation'
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
   AND (l.relation = ANY ($1) OR (l.relation = ANY ($2) AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareUpdateExclusiveLock')))
