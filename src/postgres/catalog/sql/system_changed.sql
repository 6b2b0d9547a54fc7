-- What initdb made and somebody has changed since: functions, views, what was put on its relations and domains, and who may write in language c.
-- initdb makes no function that runs with its owner's rights, has settings, or is written in anything but internal, c and sql. A body in
-- sql and a view look like any other: they are told by their age, for initdb makes template0 last, where ages tell (member_aged.sql).
SELECT 'function' AS kind, n.nspname::text AS schema, '' AS parent, p.proname::text AS name, oidvectortypes(p.proargtypes) AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           'replaced', CASE WHEN l.lanname NOT IN ('internal', 'c', 'sql') OR l.lanname <> 'internal' AND p.proacl IS NULL
                                 AND age(p.xmin) < (SELECT age FROM made) THEN 'true' END,
           'altered', nullif(concat_ws(', ', CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END,
                          (SELECT string_agg('SET ' || split_part(s, '=', 1), ', ' ORDER BY s) FROM unnest(p.proconfig) s)), '')) AS attributes
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
 WHERE p.oid < 16384
   AND (p.prosecdef
        OR p.proconfig IS NOT NULL
        OR l.lanname NOT IN ('internal', 'c', 'sql')
        -- GRANT writes the row as well, and after it the row has an ACL for ever.
        OR l.lanname <> 'internal' AND p.proacl IS NULL AND age(p.xmin) < (SELECT age FROM made))
UNION ALL
SELECT CASE WHEN r.rulename = '_RETURN' THEN 'view' ELSE 'rule' END, n.nspname, CASE WHEN r.rulename = '_RETURN' THEN '' ELSE c.relname END,
       CASE WHEN r.rulename = '_RETURN' THEN c.relname ELSE r.rulename END, '', NULL, NULL, json_build_object('replaced', 'true')
  FROM pg_rewrite r
  JOIN pg_class c ON c.oid = r.ev_class
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE r.ev_class < 16384
   AND (r.oid >= 16384 OR age(r.xmin) < (SELECT age FROM made))
UNION ALL
SELECT 'language', '', '', l.lanname, '', NULL, NULL, json_build_object('trusted', 'true')
  FROM pg_language l
 WHERE l.lanname IN ('internal', 'c')
   AND l.oid < 16384
   AND l.lanpltrusted
UNION ALL
-- initdb gives its relations no default, no policy, no row security and no trigger; its own indexes and constraints have OIDs of the server's.
SELECT 'table', n.nspname, '', c.relname, '', NULL, NULL,
       json_build_object('altered', concat_ws(', ', CASE WHEN c.relrowsecurity THEN 'ROW LEVEL SECURITY' END,
                                              CASE WHEN c.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END,
                                              CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED' END))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid < 16384
   AND c.relkind = 'r'
   AND (c.relrowsecurity OR c.relforcerowsecurity OR c.relpersistence = 'u')
UNION ALL
-- Every version's information_schema has the same four tables, the only ones of the server's that a superuser can give a column.
SELECT 'column', n.nspname, c.relname, a.attname, '', NULL, NULL,
       json_build_object('altered', CASE WHEN a.attnum <= i.columns OR i.columns IS NULL THEN 'DEFAULT' END,
                         'added', CASE WHEN a.attnum > i.columns THEN 'true' END)
  FROM (SELECT d.adrelid, d.adnum FROM pg_attrdef d WHERE d.adrelid < 16384
        UNION
        SELECT a.attrelid, a.attnum
          FROM pg_attribute a
         WHERE a.attrelid = ANY (ARRAY(SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'information_schema'::regnamespace AND c.relkind = 'r'
                                          AND c.oid < 16384))
           AND a.attnum > 4 AND NOT a.attisdropped) x(relation, number)
  JOIN pg_class c ON c.oid = x.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.number
  LEFT JOIN (VALUES ('sql_features', 7), ('sql_implementation_info', 5), ('sql_parts', 5), ('sql_sizing', 4)) i(name, columns)
         ON n.nspname = 'information_schema' AND i.name = c.relname
 WHERE a.attnum > i.columns
    OR a.atthasdef
UNION ALL
SELECT 'constraint', n.nspname, c.relname, k.conname, '', NULL, NULL, json_build_object('added', 'true')
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.conrelid < 16384
   AND k.oid >= 16384
UNION ALL
SELECT 'type', n.nspname, '', t.typname, '', NULL, NULL,
       json_build_object('altered', string_agg('CONSTRAINT ' || quote_ident(k.conname), ', ' ORDER BY k.conname))
  FROM pg_constraint k
  JOIN pg_type t ON t.oid = k.contypid
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE k.conrelid = 0
   AND k.contypid < 16384
   AND k.oid >= 16384
 GROUP BY n.nspname, t.typname
UNION ALL
SELECT 'index', n.nspname, c.relname, x.relname, '', NULL, NULL, json_build_object('added', 'true')
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = x.relnamespace
 WHERE i.indrelid < 16384
   AND i.indexrelid >= 16384
   -- VACUUM FULL makes those of TOAST anew.
   AND c.relkind <> 't'
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
UNION ALL
SELECT 'policy', n.nspname, c.relname, p.polname, '', NULL, NULL, json_build_object('added', 'true')
  FROM pg_policy p
  JOIN pg_class c ON c.oid = p.polrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE p.polrelid < 16384
UNION ALL
-- One that runs what neither initdb nor an extension made is among the objects (behaviour.sql).
SELECT 'trigger', n.nspname, c.relname, t.tgname, '', NULL, NULL, json_build_object('added', 'true')
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE t.tgrelid < 16384
   AND NOT t.tgisinternal
   AND (t.tgfoid < 16384
        OR EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'))
 ORDER BY 1, 2, 4, 5
