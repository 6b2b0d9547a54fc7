-- To behaviour.sql, where somebody changed what an extension's script made: what is younger than the script, on the extension's relations.
-- A constraint acts as well, by the functions in its expression. An index is not asked about: REINDEX … CONCURRENTLY makes a new one.
UNION ALL
SELECT 'trigger', n.nspname::text, c.relname::text, t.tgname::text, '',
       NULL, NULL,
       json_build_object(
           'definition', pg_get_triggerdef(t.oid),
           'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END
       )
  FROM member m
  JOIN pg_trigger t ON t.tgrelid = m.objid
  JOIN pg_class c ON c.oid = m.objid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE m.classid = 'pg_class'::regclass
   AND m.scripted
   AND m.objid <> ALL ($1)
   AND age(t.xmin) < m.made
   AND t.oid > (SELECT max(o.objid) FROM member o WHERE o.extension_oid = m.extension_oid AND o.scripted)
   AND NOT t.tgisinternal
   -- behaviour.sql has the others.
   AND (t.tgfoid < 16384 OR EXISTS (SELECT FROM member f WHERE f.classid = 'pg_proc'::regclass AND f.objid = t.tgfoid))
UNION ALL
SELECT 'rule', n.nspname, c.relname, r.rulename, '', NULL, NULL,
       json_build_object(
           'definition', pg_get_ruledef(r.oid),
           'enabled', CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END)
  FROM member m
  JOIN pg_rewrite r ON r.ev_class = m.objid
  JOIN pg_class c ON c.oid = m.objid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE m.classid = 'pg_class'::regclass
   AND m.scripted
   AND m.objid <> ALL ($1)
   AND age(r.xmin) < m.made
   AND r.oid > (SELECT max(o.objid) FROM member o WHERE o.extension_oid = m.extension_oid AND o.scripted)
   AND NOT (r.rulename = '_RETURN' AND r.ev_type = '1')
UNION ALL
SELECT 'policy', n.nspname, c.relname, p.polname, '', NULL, NULL,
       json_build_object('definition', concat_ws(' ',
           CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
           'FOR', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
           'TO', (SELECT string_agg(r, ', ' ORDER BY r)
                    FROM unnest(p.polroles) o, LATERAL (SELECT CASE WHEN o = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END) x(r)),
           'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
           'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'))
  FROM member m
  JOIN pg_policy p ON p.polrelid = m.objid
  JOIN pg_class c ON c.oid = m.objid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE m.classid = 'pg_class'::regclass
   AND m.scripted
   AND m.objid <> ALL ($1)
   AND age(p.xmin) < m.made
   AND p.oid > (SELECT max(o.objid) FROM member o WHERE o.extension_oid = m.extension_oid AND o.scripted)
UNION ALL
SELECT 'constraint', n.nspname, c.relname, k.conname, '', NULL, NULL, json_build_object('definition', pg_get_constraintdef(k.oid))
  FROM member m
  JOIN pg_constraint k ON k.conrelid = m.objid
  JOIN pg_class c ON c.oid = m.objid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE m.classid = 'pg_class'::regclass
   AND m.scripted
   AND m.objid <> ALL ($1)
   AND age(k.xmin) < m.made
   AND k.oid > (SELECT max(o.objid) FROM member o WHERE o.extension_oid = m.extension_oid AND o.scripted)
   AND k.contype IN ('c', 'f', 'p', 'u', 'x')
