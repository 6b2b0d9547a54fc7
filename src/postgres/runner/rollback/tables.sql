-- All tables, with their columns: what this session cannot reach by privileges it may reach by a function of somebody else's.
SELECT c.oid, ARRAY(SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY 1), n.nspname::text, c.relname::text,
       coalesce(reader.hidden, true),
       coalesce(pg_relation_size(c.oid), 0) > 0,
       pg_stat_get_xact_tuples_deleted(c.oid), pg_stat_get_xact_tuples_updated(c.oid),
       ARRAY(SELECT a.attnum::int4 FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       pg_relation_filenode(c.oid), coalesce(pg_table_size(c.oid), 0),
       writer.name, reader.name
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  -- Who can close it to writers.
  LEFT JOIN LATERAL (
      SELECT a.name FROM actor a
       WHERE has_schema_privilege(a.oid, n.oid, 'USAGE') AND has_table_privilege(a.oid, c.oid, 'UPDATE, DELETE, TRUNCATE')
       ORDER BY a.own DESC, a.name LIMIT 1) writer ON true
  -- Who can read it, at best without row security.
  LEFT JOIN LATERAL (
      SELECT a.name, v.hidden
        FROM actor a
       CROSS JOIN LATERAL (
           SELECT c.relrowsecurity AND NOT a.sees_all AND (c.relforcerowsecurity OR NOT pg_has_role(a.oid, c.relowner, 'USAGE')) AS hidden) v
       WHERE has_schema_privilege(a.oid, n.oid, 'USAGE') AND has_table_privilege(a.oid, c.oid, 'SELECT')
       ORDER BY v.hidden, a.own DESC, a.name LIMIT 1) reader ON true
 WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND c.relpersistence <> 't'
   AND (n.nspname, c.relname) NOT IN (('public', 'refinery_schema_history'), ('dbctl', 'identity'))
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
