-- What initdb made and somebody has changed since: functions, views, rules on its relations, and who may write in language c.
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
 ORDER BY 1, 2, 4, 5
