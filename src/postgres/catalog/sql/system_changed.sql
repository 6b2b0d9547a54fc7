-- What initdb made and somebody has changed since: functions, views, casts, text search, what was put on its relations and domains, and who
-- may write in language c.
-- initdb makes no function that runs with its owner's rights, has settings, or is written in anything but internal, c and sql. A body in
-- sql and a view look like any other: they are told by their age, for initdb makes template0 last, where ages tell (initdb_age.sql). So are
-- casts and functions in internal, unless all of them together are what this major version has (`stock`): what was undone is as it was.
SELECT 'function' AS kind, n.nspname::text AS schema, '' AS parent, p.proname::text AS name, oidvectortypes(p.proargtypes) AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           'replaced', CASE WHEN l.lanname NOT IN ('internal', 'c', 'sql') THEN 'true'
                            WHEN age(p.xmin) < (SELECT age FROM made) THEN
                                CASE WHEN l.lanname = 'internal' THEN 'perhaps' WHEN p.proacl IS NULL THEN 'true' END END,
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
        OR CASE WHEN age(p.xmin) < (SELECT age FROM made) THEN
               CASE WHEN l.lanname <> 'internal' OR NOT EXISTS (SELECT FROM stock) THEN p.proacl IS NULL
                    ELSE (SELECT encode(sha256(convert_to(string_agg(concat_ws(' ', s.oid, s.prolang, s.proname, s.prosrc, s.provolatile, s.proleakproof,
                                                                               s.proisstrict, s.prosupport::oid), ',' ORDER BY s.oid), 'UTF8')), 'hex')
                            FROM pg_proc s
                           WHERE s.oid < 10000 AND s.prolang = 12) <> ALL ((SELECT s.functions FROM stock s)::text[])
                         -- A newer minor release may have a function more; then GRANT is all that is known of this one.
                         AND (p.proacl IS NULL OR (SELECT s.known FROM stock s)) END END)
   -- One that lies elsewhere is told with what was moved (system_moved.sql).
   AND (n.oid < 16384 AND n.nspname <> 'public')
UNION ALL
SELECT 'cast', '', '', format('%s AS %s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)), '', NULL, NULL,
       json_build_object('replaced', 'true')
  FROM pg_cast c
 WHERE c.oid < 16384
   AND CASE WHEN age(c.xmin) < (SELECT age FROM made) THEN
           (SELECT encode(sha256(convert_to(string_agg(concat_ws(' ', s.castsource, s.casttarget, s.castfunc, s.castcontext, s.castmethod), ','
                                                       ORDER BY s.castsource, s.casttarget), 'UTF8')), 'hex')
              FROM pg_cast s
             WHERE s.oid < 16384) IS DISTINCT FROM (SELECT s.casts FROM stock s) END
UNION ALL
-- initdb gives what may be a word to the stemmer of the configuration's language, ASCII in Russian and Hindi to that of English, and the
-- rest to `simple`.
SELECT 'text_search_configuration', n.nspname, '', c.cfgname, '', NULL, NULL, json_build_object('altered', 'MAPPING')
  FROM pg_ts_config c
  JOIN pg_namespace n ON n.oid = c.cfgnamespace
 WHERE c.oid < 16384
   AND (SELECT count(*) FILTER (WHERE d.oid < 16384 AND k.mapseqno = 1 AND (k.maptokentype BETWEEN 1 AND 11 OR k.maptokentype BETWEEN 15 AND 22)
                                  AND d.dictname = CASE WHEN c.cfgname = 'simple' OR k.maptokentype NOT IN (1, 2, 10, 11, 16, 17) THEN 'simple'
                                                        WHEN k.maptokentype IN (1, 11, 16) AND (c.cfgname IN ('russian', 'hindi') OR d.dictname = 'english_stem'
                                                             AND current_setting('server_version_num')::int4 >= 190000) THEN 'english_stem'
                                                        ELSE c.cfgname || '_stem' END) = 19 AND count(*) = 19
          FROM pg_ts_config_map k
          JOIN pg_ts_dict d ON d.oid = k.mapdict
         WHERE k.mapcfg = c.oid) IS NOT TRUE
UNION ALL
SELECT 'text_search_dictionary', n.nspname, '', d.dictname, '', NULL, NULL, json_build_object('altered', 'OPTIONS')
  FROM pg_ts_dict d
  JOIN pg_namespace n ON n.oid = d.dictnamespace
 CROSS JOIN LATERAL (SELECT left(d.dictname::text, -5) AS language) l
 WHERE d.oid < 16384
   AND CASE WHEN d.dictname = 'simple' THEN d.dictinitoption IS NOT NULL
            WHEN l.language IN ('danish', 'dutch', 'english', 'finnish', 'french', 'german', 'hungarian', 'italian', 'nepali', 'norwegian',
                                'portuguese', 'russian', 'spanish', 'swedish', 'turkish')
            THEN d.dictinitoption IS DISTINCT FROM format('language = %1$L, stopwords = %1$L', l.language)
            ELSE d.dictinitoption IS DISTINCT FROM format('language = %L', l.language)
                 -- A newer version may have stop words for more languages.
                 AND NOT (current_setting('server_version_num')::int4 >= 190000
                          AND d.dictinitoption = format('language = %1$L, stopwords = %1$L', l.language)) END
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
         WHERE a.attrelid = ANY (ARRAY(SELECT c.oid FROM pg_class c WHERE c.relnamespace = to_regnamespace('information_schema') AND c.relkind = 'r'
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
-- ALTER EXTENSION ... ADD takes the privileges of a moment for those that it had from the start (pg_init_privs). initdb gives plpgsql three.
SELECT CASE WHEN p.oid IS NOT NULL THEN 'function' WHEN c.relkind = 'v' THEN 'view' ELSE 'table' END, n.nspname, '', coalesce(p.proname, c.relname),
       coalesce(oidvectortypes(p.proargtypes), ''), NULL, NULL, json_build_object('altered', 'MEMBER OF ' || quote_ident(e.extname))
  FROM pg_depend d
  JOIN pg_extension e ON e.oid = d.refobjid
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind IN ('r', 'v')
  JOIN pg_namespace n ON n.oid = coalesce(p.pronamespace, c.relnamespace)
 WHERE d.refclassid = 'pg_extension'::regclass
   AND d.deptype = 'e'
   AND d.objid < 16384
   AND (e.extname = 'plpgsql' AND p.proname IN ('plpgsql_call_handler', 'plpgsql_inline_handler', 'plpgsql_validator')) IS NOT TRUE
UNION ALL
-- Of initdb's domains only time_stamp has a default, and none is NOT NULL (in PostgreSQL 17 and newer a constraint as well, contype n).
SELECT 'type', n.nspname, '', t.typname, '', NULL, NULL,
       json_build_object('altered', concat_ws(', ', CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                                              CASE WHEN t.typdefault IS NOT NULL AND t.typname <> 'time_stamp' THEN 'DEFAULT' END, k.names))
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN (SELECT k.contypid, string_agg('CONSTRAINT ' || quote_ident(k.conname), ', ' ORDER BY k.conname) AS names
               FROM pg_constraint k
              WHERE k.conrelid = 0 AND k.contypid < 16384 AND k.oid >= 16384 AND k.contype = 'c'
              GROUP BY k.contypid) k ON k.contypid = t.oid
 WHERE t.oid < 16384
   AND t.typtype = 'd'
   AND (t.typnotnull OR t.typdefault IS NOT NULL AND t.typname <> 'time_stamp' OR k.names IS NOT NULL)
UNION ALL
-- What an extension adds to a family of the server's is made of its own operators and functions.
SELECT 'operator_family', n.nspname, '', f.opfname, a.amname, NULL, NULL, json_build_object('altered', string_agg(x.what, ', ' ORDER BY x.oid))
  FROM (SELECT o.oid, o.amopfamily, format('OPERATOR %s (%s,%s)', o.amopstrategy, format_type(o.amoplefttype, NULL), format_type(o.amoprighttype, NULL)),
               'pg_operator'::regclass, o.amopopr
          FROM pg_amop o
        UNION ALL
        SELECT p.oid, p.amprocfamily, format('FUNCTION %s (%s,%s)', p.amprocnum, format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL)),
               'pg_proc'::regclass, p.amproc
          FROM pg_amproc p) x(oid, family, what, class, made)
  JOIN pg_opfamily f ON f.oid = x.family
  JOIN pg_namespace n ON n.oid = f.opfnamespace
  JOIN pg_am a ON a.oid = f.opfmethod
 WHERE x.oid >= 16384
   AND f.oid < 16384
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = x.class AND d.objid = x.made AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
 GROUP BY n.nspname, f.opfname, a.amname
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
