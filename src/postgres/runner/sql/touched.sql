-- The foreign relations that this transaction has locked, and those of dbctl's own tables that it has locked for writing, which ANALYZE does not do. A lock
-- is kept until the transaction ends, also on a table that it has dropped. One look at all locks also tells whether the runners' lock is still held: behind
-- a pooler it may be another server process than before. To rename a schema locks no table in it: dbctl's own must bear their names.
-- And whether any trigger or constraint can be put off to the COMMIT.
SELECT NULLIF(pg_catalog.concat_ws(' ', pg_catalog.string_agg(l.relation::text, ' ') FILTER (
           WHERE l.locktype = 'relation'
             AND (l.relation = ANY ({foreign})
                  OR (l.relation = ANY ({books}) AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareUpdateExclusiveLock', 'SIReadLock')))),
           (SELECT pg_catalog.string_agg(b.oid::text, ' ')
              FROM pg_catalog.unnest({books}) b(oid)
             WHERE b.oid <> ALL ({now}))), '') AS touched,
       pg_catalog.count(*) FILTER (
           WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
             AND ((l.classid::bigint << 32) | l.objid::bigint) = {key}) > 0 AS locked,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgdeferrable) AS deferrable
  FROM pg_catalog.pg_locks l
 WHERE l.pid = pg_catalog.pg_backend_pid()
