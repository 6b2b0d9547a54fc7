UNION ALL
-- After system_changed.sql: what of initdb's lies elsewhere now, bears another name, or runs other functions. Nothing keeps what initdb gave
-- it: where it lies tells itself; of the rest, what is younger than initdb is told where its kind as a whole is not what this major version
-- has (`stock`); it may be any of them (`perhaps`), for GRANT writes a row as well.
SELECT o.kind, n.nspname, '', o.name, o.arguments, NULL, NULL, json_build_object('altered', 'SET SCHEMA ' || o.home)
  FROM (SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.relname, '', c.relnamespace,
               CASE WHEN starts_with(c.relname, 'pg_') THEN 'pg_catalog' ELSE 'information_schema' END
          FROM pg_class c WHERE c.oid < 16384 AND c.relkind IN ('r', 'v')
        UNION ALL
        SELECT 'function', p.proname, oidvectortypes(p.proargtypes), p.pronamespace,
               CASE WHEN starts_with(p.proname, '_pg_') THEN 'information_schema' ELSE 'pg_catalog' END
          FROM pg_proc p WHERE p.oid < 16384
        UNION ALL
        SELECT 'type', t.typname, '', t.typnamespace, CASE t.typtype WHEN 'd' THEN 'information_schema' ELSE 'pg_catalog' END
          FROM pg_type t WHERE t.oid < 16384 AND t.typrelid = 0 AND t.typcategory <> 'A' AND t.typtype <> 'm'
        UNION ALL
        SELECT 'operator', o.oprname, format('%s, %s', CASE o.oprleft WHEN 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END,
                                             format_type(o.oprright, NULL)), o.oprnamespace, 'pg_catalog'
          FROM pg_operator o WHERE o.oid < 16384
        UNION ALL SELECT 'operator_class', c.opcname, a.amname, c.opcnamespace, 'pg_catalog'
                    FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE c.oid < 16384
        UNION ALL SELECT 'operator_family', f.opfname, a.amname, f.opfnamespace, 'pg_catalog'
                    FROM pg_opfamily f JOIN pg_am a ON a.oid = f.opfmethod WHERE f.oid < 16384
        UNION ALL SELECT 'collation', c.collname, '', c.collnamespace, 'pg_catalog' FROM pg_collation c WHERE c.oid < 16384
        UNION ALL SELECT 'conversion', c.conname, '', c.connamespace, 'pg_catalog' FROM pg_conversion c WHERE c.oid < 16384
        UNION ALL SELECT 'text_search_configuration', c.cfgname, '', c.cfgnamespace, 'pg_catalog' FROM pg_ts_config c WHERE c.oid < 16384
        UNION ALL SELECT 'text_search_dictionary', d.dictname, '', d.dictnamespace, 'pg_catalog' FROM pg_ts_dict d WHERE d.oid < 16384
        UNION ALL SELECT 'text_search_parser', p.prsname, '', p.prsnamespace, 'pg_catalog' FROM pg_ts_parser p WHERE p.oid < 16384
        UNION ALL SELECT 'text_search_template', t.tmplname, '', t.tmplnamespace, 'pg_catalog' FROM pg_ts_template t WHERE t.oid < 16384
       ) o(kind, name, arguments, namespace, home)
  JOIN pg_namespace n ON n.oid = o.namespace
 WHERE n.oid >= 16384
    OR n.nspname = 'public'
UNION ALL
SELECT 'schema', '', '', n.nspname, '', NULL, NULL, json_build_object('altered', 'RENAME TO information_schema')
  FROM pg_namespace n
 WHERE n.oid < 16384
   AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
   -- Schema public may have any name.
   AND n.oid <> 2200
UNION ALL
SELECT 'language', '', '', l.lanname, '', NULL, NULL, json_build_object('replaced', 'true')
  FROM pg_language l
 WHERE l.oid < 16384
   AND l.lanname NOT IN ('internal', 'c', 'sql', 'plpgsql')
UNION ALL
SELECT 'text_search_parser', n.nspname, '', p.prsname, '', NULL, NULL, json_build_object('replaced', 'true')
  FROM pg_ts_parser p
  JOIN pg_namespace n ON n.oid = p.prsnamespace
 WHERE p.oid < 16384
   AND p.prsname <> 'default'
UNION ALL
SELECT 'text_search_template', n.nspname, '', t.tmplname, '', NULL, NULL, json_build_object('replaced', 'true')
  FROM pg_ts_template t
  JOIN pg_namespace n ON n.oid = t.tmplnamespace
 WHERE t.oid < 16384
   AND t.tmplname NOT IN ('simple', 'synonym', 'ispell', 'thesaurus', 'snowball')
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, n.nspname, '', c.relname, '', NULL, NULL, json_build_object('replaced', 'perhaps')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid < 16384
   AND c.relkind IN ('r', 'v')
   AND n.oid < 16384
   AND CASE WHEN age(c.xmin) < (SELECT age FROM made) THEN
           (SELECT k.sum FROM kept k) <> (SELECT s.relations FROM stock s) AND (c.relacl IS NULL OR (SELECT s.known FROM stock s)) END
UNION ALL
-- What was renamed is told by its age, where ages tell.
SELECT g.kind, CASE g.kind WHEN 'view' THEN 'information_schema' ELSE 'pg_catalog' END, '', g.name, '', NULL, NULL, json_build_object('replaced', 'missing')
  FROM gone g
 WHERE g.kind <> 'view'
    OR (SELECT age FROM made) IS NULL
    OR (SELECT k.sum FROM kept k) = (SELECT s.relations FROM stock s)
UNION ALL
SELECT 'type', n.nspname, '', t.typname, '', NULL, NULL, json_build_object('replaced', 'perhaps')
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.oid < 10000
   AND t.typrelid = 0
   AND t.typcategory <> 'A'
   AND n.oid < 16384
   AND CASE WHEN age(t.xmin) < (SELECT age FROM made) THEN
           (SELECT left(encode(sha256(convert_to(string_agg(concat_ws(' ', s.oid, s.typname, s.typinput::oid, s.typoutput::oid, s.typreceive::oid,
                                                                      s.typsend::oid), ',' ORDER BY s.oid), 'UTF8')), 'hex'), 32)
              FROM pg_type s
             WHERE s.oid < 10000) <> (SELECT s.types FROM stock s) AND (t.typacl IS NULL OR (SELECT s.known FROM stock s)) END
UNION ALL
-- ALTER OPERATOR ... SET gives it another estimator.
SELECT 'operator', n.nspname, '', o.oprname,
       format('%s, %s', CASE o.oprleft WHEN 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END, format_type(o.oprright, NULL)), NULL, NULL,
       json_build_object('replaced', 'perhaps')
  FROM pg_operator o
  JOIN pg_namespace n ON n.oid = o.oprnamespace
 WHERE o.oid < 16384
   AND n.oid < 16384
   AND CASE WHEN age(o.xmin) < (SELECT age FROM made) THEN
           (SELECT left(encode(sha256(convert_to(string_agg(concat_ws(' ', s.oid, s.oprname, s.oprcanmerge, s.oprcanhash, s.oprresult, s.oprcode::oid,
                                                                      s.oprrest::oid, s.oprjoin::oid), ',' ORDER BY s.oid), 'UTF8')), 'hex'), 32)
              FROM pg_operator s
             WHERE s.oid < 16384) <> (SELECT s.operators FROM stock s) END
UNION ALL
SELECT 'function', n.nspname, '', p.proname, oidvectortypes(p.proargtypes), NULL, NULL, json_build_object('replaced', 'perhaps')
  FROM pg_aggregate a
  JOIN pg_proc p ON p.oid = a.aggfnoid
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.oid < 16384
   AND n.oid < 16384
   AND CASE WHEN age(a.xmin) < (SELECT age FROM made) THEN
           (SELECT left(encode(sha256(convert_to(string_agg(concat_ws(' ', s.aggfnoid::oid, s.aggtransfn::oid, s.aggfinalfn::oid, s.aggcombinefn::oid,
                                                                      s.aggserialfn::oid, s.aggdeserialfn::oid, s.aggmtransfn::oid,
                                                                      s.aggminvtransfn::oid, s.aggmfinalfn::oid, s.agginitval), ',' ORDER BY s.aggfnoid),
                                            'UTF8')), 'hex'), 32)
              FROM pg_aggregate s
             WHERE s.aggfnoid < 16384) <> (SELECT s.aggregates FROM stock s) END
UNION ALL
SELECT 'operator_family', n.nspname, '', f.opfname, a.amname, NULL, NULL, json_build_object('replaced', 'perhaps')
  FROM pg_opfamily f
  JOIN pg_namespace n ON n.oid = f.opfnamespace
  JOIN pg_am a ON a.oid = f.opfmethod
 WHERE f.oid < 16384
   AND n.oid < 16384
   AND (CASE WHEN EXISTS (SELECT FROM pg_amop o WHERE o.amopfamily = f.oid AND o.oid < 16384 AND age(o.xmin) < (SELECT age FROM made)) THEN
            (SELECT left(encode(sha256(convert_to(string_agg(concat_ws(' ', s.amopfamily, s.amoplefttype, s.amoprighttype, s.amopstrategy, s.amopopr), ','
                                                             ORDER BY s.amopfamily, s.amoplefttype, s.amoprighttype, s.amopstrategy, s.amoppurpose),
                                             'UTF8')), 'hex'), 32)
               FROM pg_amop s
              WHERE s.oid < 16384) <> (SELECT s.strategies FROM stock s) END
        OR CASE WHEN EXISTS (SELECT FROM pg_amproc p WHERE p.amprocfamily = f.oid AND p.oid < 16384 AND age(p.xmin) < (SELECT age FROM made)) THEN
            (SELECT left(encode(sha256(convert_to(string_agg(concat_ws(' ', s.amprocfamily, s.amproclefttype, s.amprocrighttype, s.amprocnum, s.amproc::oid), ','
                                                             ORDER BY s.amprocfamily, s.amproclefttype, s.amprocrighttype, s.amprocnum),
                                             'UTF8')), 'hex'), 32)
               FROM pg_amproc s
              WHERE s.oid < 16384) <> (SELECT s.support FROM stock s) END)
UNION ALL
SELECT o.kind, n.nspname, '', o.name, o.arguments, NULL, NULL, json_build_object('replaced', 'perhaps')
  FROM (SELECT 'operator_class', c.opcname, a.amname, c.opcnamespace, age(c.xmin) FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE c.oid < 12000
        UNION ALL SELECT 'operator_family', f.opfname, a.amname, f.opfnamespace, age(f.xmin) FROM pg_opfamily f JOIN pg_am a ON a.oid = f.opfmethod
                   WHERE f.oid < 12000
        UNION ALL SELECT 'collation', c.collname, '', c.collnamespace, age(c.xmin) FROM pg_collation c WHERE c.oid < 12000
        UNION ALL SELECT 'conversion', c.conname, '', c.connamespace, age(c.xmin) FROM pg_conversion c WHERE c.oid < 12000) o(kind, name, arguments, namespace, age)
  JOIN pg_namespace n ON n.oid = o.namespace
 WHERE n.oid < 16384
   AND CASE WHEN o.age < (SELECT age FROM made) THEN
           (SELECT left(encode(sha256(convert_to(string_agg(s.what, ',' ORDER BY s.what COLLATE "C"), 'UTF8')), 'hex'), 32)
              FROM (SELECT concat_ws(' ', 'opclass', oid, opcname, opcmethod) FROM pg_opclass WHERE oid < 12000
                    UNION ALL SELECT concat_ws(' ', 'opfamily', oid, opfname, opfmethod) FROM pg_opfamily WHERE oid < 12000
                    UNION ALL SELECT concat_ws(' ', 'collation', oid, collname, collcollate) FROM pg_collation WHERE oid < 12000
                    UNION ALL SELECT concat_ws(' ', 'conversion', oid, conname, conproc::oid) FROM pg_conversion WHERE oid < 12000) s(what))
           <> (SELECT s.others FROM stock s) END
 ORDER BY 1, 2, 4, 5
