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
                                  'combinefunc = ' || nullif(a.aggcombinefn::text, '-'), 'msfunc = ' || nullif(a.aggmtransfn::text, '-'), 'initcond = ' || quote_literal(a.agginitval))
                              WHEN p.prosqlbody IS NULL THEN p.prosrc END,
           'sql_body', pg_get_function_sqlbody(p.oid),
           'library', p.probin,
           'volatility', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END,
           'strict', CASE WHEN p.proisstrict THEN 'true' END,
           'security_definer', CASE WHEN p.prosecdef THEN 'true' END,
           'parallel', CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END,
           'leakproof', CASE WHEN p.proleakproof THEN 'true' END,
           'settings', (SELECT string_agg(s, '; ' ORDER BY s) FROM unnest(p.proconfig) s),
           'replaced', CASE WHEN m.scripted AND p.proowner = ANY (m.owners) THEN 'true' END
       ) AS attributes
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
  LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
  LEFT JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
 WHERE p.oid >= 16384
   AND n.nspname !~ '^pg_temp_[0-9]+$'
   AND (m.objid IS NULL OR m.attached OR p.proowner <> ALL (m.owners){replaced})
   -- The constructors of a range type come and go with it (deptype i).
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i' AND d.refclassid = 'pg_type'::regclass)
