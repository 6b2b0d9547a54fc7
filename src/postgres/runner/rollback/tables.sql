-- Tables whose rows a script of this role could lose, with their columns. A chunk of a hypertable or any other child by inheritance
-- names its topmost parent as its root. What belongs to another role is out of reach of DROP and ALTER.
WITH RECURSIVE family(oid, root) AS (
    SELECT c.oid, c.oid FROM pg_class c
     WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
    UNION
    SELECT i.inhrelid, f.root FROM family f JOIN pg_inherits i ON i.inhparent = f.oid
)
SELECT c.oid, f.root, n.nspname::text, c.relname::text, row_security_active(c.oid),
       coalesce(pg_relation_size(c.oid), 0) > 0,
       pg_stat_get_xact_tuples_deleted(c.oid), pg_stat_get_xact_tuples_updated(c.oid),
       ARRAY(SELECT a.attnum::int4 FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       pg_relation_filenode(c.oid), coalesce(pg_table_size(c.oid), 0)
  FROM family f
  JOIN pg_class c ON c.oid = f.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND c.relpersistence <> 't' AND pg_has_role(c.relowner, 'USAGE')
   AND (n.nspname, c.relname) NOT IN (('public', 'refinery_schema_history'), ('dbctl', 'identity'))
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
