-- Each materialized view that holds rows, and the role that can read it and, at best, is its owner, as which REFRESH reads.
SELECT c.oid, format('%s.%s', n.nspname, c.relname), format('%I.%I', n.nspname, c.relname), pg_get_viewdef(c.oid),
       coalesce(pg_table_size(c.oid), 0), reader.name
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
      SELECT a.name
        FROM actor a
       WHERE has_schema_privilege(a.oid, n.oid, 'USAGE') AND has_table_privilege(a.oid, c.oid, 'SELECT')
       ORDER BY pg_has_role(a.oid, c.relowner, 'USAGE') DESC, a.own DESC, a.name LIMIT 1) reader ON true
 WHERE c.relkind = 'm' AND c.oid >= 16384 AND c.relispopulated AND pg_relation_size(c.oid) > 0
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
