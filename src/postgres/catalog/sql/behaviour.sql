-- What acts on the rows of the relations $1, TimescaleDB's internals among them: triggers, rules and policies. Of what extensions and initdb made, only triggers that run what
-- neither of them brought, and, where something was changed, what is younger than the script (behaviour_young.sql).
SELECT 'trigger' AS kind, n.nspname::text AS schema, c.relname::text AS parent, t.tgname::text AS name, '' AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           'definition', pg_get_triggerdef(t.oid),
           -- A partition's copy of it can be switched off alone.
           'enabled', nullif(concat_ws(', ', CASE WHEN NOT c.relhastriggers THEN 'no trigger of its table fires' END, CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
               CASE WHEN c.relkind = 'p' THEN (
                   WITH RECURSIVE copy AS (
                       SELECT p.oid, p.tgrelid, p.tgenabled FROM pg_trigger p WHERE p.tgparentid = t.oid
                       UNION ALL SELECT p.oid, p.tgrelid, p.tgenabled FROM copy y JOIN pg_trigger p ON p.tgparentid = y.oid)
                   SELECT 'not so on ' || string_agg(y.tgrelid::regclass::text, ', ' ORDER BY y.tgrelid::regclass::text)
                     FROM copy y WHERE y.tgenabled <> t.tgenabled) END), '')
       ) AS attributes
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE (NOT t.tgisinternal OR t.tgfoid >= 16384)
   AND (t.tgrelid = ANY (ARRAY(SELECT unnest($1)
                               UNION SELECT m.objid FROM member m WHERE m.classid = 'pg_class'::regclass
                               UNION SELECT s.tgrelid FROM pg_trigger s WHERE s.tgrelid < 16384))
        AND (t.tgrelid = ANY ($1)
             OR t.tgfoid >= 16384 AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = t.tgfoid))
        AND NOT EXISTS (SELECT FROM pg_trigger p WHERE p.oid = t.tgparentid AND p.tgfoid = t.tgfoid)
        -- TimescaleDB before 2.31 puts ts_insert_blocker, an ordinary row of pg_trigger, on every hypertable.
        AND NOT EXISTS (SELECT FROM member m
                         WHERE m.classid = 'pg_proc'::regclass AND m.objid = t.tgfoid AND m.extension = 'timescaledb'
                           AND t.tgname IN ('ts_insert_blocker', 'ts_cagg_invalidation_trigger'))
        OR {trigger})
UNION ALL
SELECT 'rule', n.nspname, c.relname, r.rulename, '', NULL, NULL,
       json_build_object(
           'definition', pg_get_ruledef(r.oid),
           'enabled', CASE WHEN NOT c.relhasrules THEN 'no rule of its table acts' ELSE CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END END)
  FROM pg_rewrite r
  JOIN pg_class c ON c.oid = r.ev_class
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE (r.ev_class = ANY ($1) OR {rule})
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
  FROM pg_policy p
  JOIN pg_class c ON c.oid = p.polrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE p.polrelid = ANY ($1) OR {policy}
