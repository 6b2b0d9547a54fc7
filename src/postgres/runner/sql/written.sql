-- The relations of $1, and those of $2, dbctl's own tables, that this transaction has locked for changing them. A rollback itself holds every table in SHARE mode, and a
-- serializable transaction marks what it has read.
-- And those of $2 that do not bear their names any more: to rename a schema locks no table in it.
SELECT l.relation AS oid
  FROM pg_catalog.pg_locks l
 WHERE l.pid = pg_catalog.pg_backend_pid()
   AND l.locktype = 'relation'
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
   AND (l.relation = ANY ($1) OR l.relation = ANY ($2))
   AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock', 'SIReadLock')
UNION
SELECT b.oid
  FROM pg_catalog.unnest($2) b(oid)
 WHERE b.oid <> ALL ({now})
