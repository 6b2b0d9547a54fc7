-- Owners other than the database's of what no snapshot lists: large objects (twenty of one owner are listed, the rest is counted), the
-- tables and the schema in which dbctl keeps its books, and what initdb made.
WITH database AS (SELECT d.oid, d.datdba FROM pg_database d WHERE d.datname = current_database())
SELECT 'large_object' AS kind, '' AS schema, '' AS parent, l.oid::text AS name, pg_get_userbyid(l.lomowner)::text AS owner,
       (CASE WHEN l.number = 20 THEN l.total - 20 ELSE 0 END)::int8 AS more
  FROM (SELECT m.oid, m.lomowner, row_number() OVER (PARTITION BY m.lomowner ORDER BY m.oid) AS number,
               count(*) OVER (PARTITION BY m.lomowner) AS total
          FROM pg_largeobject_metadata m
         WHERE m.lomowner <> (SELECT datdba FROM database)) l
 WHERE l.number <= 20
UNION ALL
SELECT 'table', n.nspname, '', c.relname, pg_get_userbyid(c.relowner), 0
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE (n.nspname, c.relname) IN (('public', 'refinery_schema_history'), ('dbctl', 'identity'), ('dbctl', 'progress'))
   AND c.relkind IN ('r', 'p')
   AND c.relowner <> (SELECT datdba FROM database)
UNION ALL
SELECT 'schema', '', '', n.nspname, pg_get_userbyid(n.nspowner), 0
  FROM pg_namespace n
 WHERE n.nspname = 'dbctl'
   AND n.nspowner <> (SELECT datdba FROM database)
UNION ALL
-- The bootstrap superuser, who owns what initdb made, has no rows in pg_shdepend. Schema public is asked about elsewhere.
SELECT 'object', '',
       -- What gives it back. ALTER EXTENSION has no OWNER TO.
       CASE WHEN i.type <> 'extension' THEN format('ALTER %s %s OWNER TO %I;', upper(i.type), i.identity, pg_get_userbyid(10)) ELSE '' END,
       pg_describe_object(s.classid, s.objid, 0), pg_get_userbyid(s.refobjid), 0
  FROM pg_shdepend s
 CROSS JOIN LATERAL pg_identify_object(s.classid, s.objid, 0) i
 WHERE s.dbid = (SELECT oid FROM database)
   AND s.classid = ANY (ARRAY['pg_class'::regclass, 'pg_type', 'pg_proc', 'pg_namespace', 'pg_language', 'pg_collation', 'pg_operator',
                              'pg_opclass', 'pg_opfamily', 'pg_conversion', 'pg_ts_config', 'pg_ts_dict', 'pg_extension'])
   AND s.objid < 16384
   AND s.deptype = 'o'
   AND s.refclassid = 'pg_authid'::regclass
   AND NOT (s.classid = 'pg_namespace'::regclass AND s.objid = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'public'))
 ORDER BY 5, 1, 2, 3, 4
