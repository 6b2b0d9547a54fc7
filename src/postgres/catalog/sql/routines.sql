-- Functions, procedures and aggregates, keyed by the types of their arguments. What has its default is not said.
SELECT 'function' AS kind, n.nspname::text AS schema, '' AS parent, p.proname::text AS name,
       oidvectortypes(p.proargtypes) AS arguments,
       pg_get_userbyid(p.proowner)::text AS owner, m.extension,
       json_build_object(
           'form', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' END,
           'parameters', nullif(pg_get_function_arguments(p.oid), oidvectortypes(p.proargtypes)),
           'returns', pg_get_function_result(p.oid),
           'language', l.lanname::text,
           'definition', CASE WHEN p.prokind = 'a' THEN concat_ws(', ',
                                  'sfunc = ' || a.aggtransfn::text, 'stype = ' || format_type(a.aggtranstype, NULL),
                                  'finalfunc = ' || nullif(a.aggfinalfn::text, '-'),
                                  'combinefunc = ' || nullif(a.aggcombinefn::text, '-'), 'msfunc = ' || nullif(a.aggmtransfn::text, '-'), 'initcond = ' || quote_literal(a.agginitval),
                                  'minvfunc = ' || nullif(a.aggminvtransfn::text, '-'), 'mfinalfunc = ' || nullif(a.aggmfinalfn::text, '-'),
                                  'minitcond = ' || quote_literal(a.aggminitval), 'serialfunc = ' || nullif(a.aggserialfn::text, '-'),
                                  'deserialfunc = ' || nullif(a.aggdeserialfn::text, '-'), 'sortop = ' || nullif(a.aggsortop, 0)::regoperator::text)
                              WHEN p.prosqlbody IS NULL THEN p.prosrc END,
           'sql_body', pg_get_function_sqlbody(p.oid),
           'library', p.probin,
           'volatility', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END,
           'strict', CASE WHEN p.proisstrict THEN 'true' END,
           'security_definer', CASE WHEN p.prosecdef THEN 'true' END,
           'parallel', CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END,
           'leakproof', CASE WHEN p.proleakproof THEN 'true' END,
           'support', nullif(p.prosupport::text, '-'),
           'settings', (SELECT string_agg(s, '; ' ORDER BY s) FROM unnest(p.proconfig) s),
           'replaced', CASE WHEN c.replaced THEN 'true' END,
           'altered', c.altered
       ) AS attributes
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
  LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
  LEFT JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
  LEFT JOIN LATERAL (
      -- CREATE OR REPLACE writes what the function depends on anew; GRANT and ALTER do not. What runs the extension's own library is as
      -- it was, or as good.
      SELECT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'n' AND age(d.xmin) < m.made)
             AND NOT EXISTS (SELECT FROM member o
                               JOIN pg_proc q ON q.oid = o.objid
                              WHERE o.classid = 'pg_proc'::regclass AND o.extension = m.extension AND q.probin = p.probin
                                AND age(q.xmin) >= m.made) AS replaced,
             -- ALTER and GRANT write the same row, but after a GRANT it has an ACL for ever. Of what ALTER does only that is told which
             -- changes with whose rights the function runs, what it may be shown and where its names end; no values of settings.
             nullif(concat_ws(', ',
                 CASE WHEN p.proowner <> ALL (m.owners) THEN 'OWNER TO ' || quote_ident(pg_get_userbyid(p.proowner)) END,
                 CASE WHEN p.prosecdef AND p.proacl IS NULL THEN 'SECURITY DEFINER' END,
                 CASE WHEN p.proleakproof AND p.proacl IS NULL THEN 'LEAKPROOF' END,
                 (SELECT string_agg('SET ' || split_part(s, '=', 1), ', ' ORDER BY s)
                    FROM unnest(p.proconfig) s
                   WHERE p.proacl IS NULL
                     AND (split_part(s, '=', 1) IN ('role', 'session_replication_role', 'lo_compat_privileges', 'dynamic_library_path')
                          OR starts_with(s, 'search_path=')
                             AND NOT string_to_array(translate(split_part(s, '=', 2), '" ', ''), ',')
                                     <@ ARRAY['', 'pg_catalog', 'pg_temp', 'public', '$user', n.nspname::text]))), '') AS altered
       ) c ON m.scripted AND age(p.xmin) < m.made
 WHERE p.oid >= 16384
   AND {lasting}
   AND (m.objid IS NULL OR m.attached OR p.proowner <> ALL (m.owners) OR c.replaced OR c.altered IS NOT NULL)
   -- The constructors of a range type come and go with it (deptype i).
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i' AND d.refclassid = 'pg_type'::regclass
                      AND p.prolang = 12 AND p.prosrc ~ '^(multi)?range_constructor[0-3]$')
