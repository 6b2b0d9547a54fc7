-- The relations of $1 that this transaction has locked, and those of dbctl's own tables that it has locked for writing. A lock is
-- kept until the transaction ends, also on a table that it has dropped.
SELECT DISTINCT l.relation AS oid, coalesce(l.relation IN (
           to_regclass('dbctl.identity'), to_regclass('dbctl.progress'), to_regclass('public.refinery_schema_history')), false) AS own
  FROM pg_catalog.pg_locks l
 WHERE l.pid = pg_catalog.pg_backend_pid()
   AND l.locktype = 'relation'
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
   AND (l.relation = ANY ($1) OR (
       l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND l.relation IN (
           to_regclass('dbctl.identity'), to_regclass('dbctl.progress'), to_regclass('public.refinery_schema_history'))))
