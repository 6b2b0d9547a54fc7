-- The types $1 (inventory.sql), which were made as such: row types, array types and multiranges are implied by a relation, an element
-- or a range.
SELECT 'type' AS kind, n.nspname::text AS schema, '' AS parent, t.typname::text AS name, '' AS arguments,
       pg_get_userbyid(t.typowner)::text AS owner, m.extension,
       json_build_object('definition', CASE t.typtype
           WHEN 'e' THEN 'ENUM (' || coalesce((SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                                                 FROM pg_enum e WHERE e.enumtypid = t.oid), '') || ')'
           WHEN 'd' THEN concat_ws(' ', 'DOMAIN AS', format_type(t.typbasetype, t.typtypmod),
               (SELECT format('COLLATE %I.%I', cn.nspname, co.collname) FROM pg_collation co
                  JOIN pg_namespace cn ON cn.oid = co.collnamespace
                  JOIN pg_type b ON b.oid = t.typbasetype
                 WHERE co.oid = t.typcollation AND t.typcollation <> b.typcollation),
               'DEFAULT ' || pg_get_expr(t.typdefaultbin, 0),
               CASE WHEN t.typnotnull THEN 'NOT NULL' END,
               (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname)
                  FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
           WHEN 'c' THEN 'COMPOSITE (' || coalesce((
               SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                 FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'
           WHEN 'r' THEN (SELECT 'RANGE (' || concat_ws(', ', 'subtype = ' || format_type(r.rngsubtype, NULL), 'canonical = ' || nullif(r.rngcanonical::text, '-'),
                            'subtype_diff = ' || nullif(r.rngsubdiff::text, '-')) || ')' FROM pg_range r WHERE r.rngtypid = t.oid)
           WHEN 'p' THEN 'SHELL'
           ELSE concat_ws(', ', 'BASE (input = ' || t.typinput::text, 'output = ' || t.typoutput::text || ')') END
       ) AS attributes
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
 WHERE t.oid = ANY ($1)
   AND {lasting}
   AND (m.objid IS NULL OR m.attached OR t.typowner <> ALL (m.owners))
