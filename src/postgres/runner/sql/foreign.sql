-- Relations that belong to no object of the service: $1 and $2 are schemas and names of what its set accounts for, $3 what
-- TimescaleDB makes behind it. Partitions, chunks and children belong to the table above them, indexes and sequences to theirs.
WITH RECURSIVE family AS (
    SELECT c.oid
      FROM unnest($1, $2) own(nsp, rel)
      JOIN pg_catalog.pg_namespace n ON n.nspname = own.nsp
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = own.rel
    UNION
    SELECT unnest($3)
    UNION
    SELECT i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid
)
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS shown,
       coalesce(tn.nspname, n.nspname)::text AS schema, coalesce(t.relname, c.relname)::text AS name,
       pg_catalog.pg_get_userbyid(c.relowner) = session_user AS own_role
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
  LEFT JOIN LATERAL (
      SELECT d.refobjid
        FROM pg_catalog.pg_depend d
       WHERE c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
         AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
       LIMIT 1) s ON true
  LEFT JOIN pg_catalog.pg_class t ON t.oid = coalesce(x.indrelid, s.refobjid)
  LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
 WHERE c.oid >= 16384
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')
   AND c.relpersistence <> 't'
   AND n.nspname <> 'pg_toast'
   AND NOT EXISTS (SELECT FROM family f WHERE f.oid = c.oid OR f.oid = t.oid)
   AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = coalesce(t.oid, c.oid) AND d.deptype = 'e')
