-- Replication origins; those named after a subscription (pg_OID, pg_OID_RELID) come and go with it.
SELECT o.roname::text AS name
  FROM pg_replication_origin o
 WHERE NOT EXISTS (SELECT FROM pg_subscription s WHERE o.roname = 'pg_' || s.oid::text OR starts_with(o.roname, 'pg_' || s.oid::text || '_'))
 ORDER BY 1
