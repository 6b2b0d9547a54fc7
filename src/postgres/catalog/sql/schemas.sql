-- Schemas and extensions.
SELECT 'schema' AS kind, '' AS schema, '' AS parent, n.nspname::text AS name, '' AS arguments,
       pg_get_userbyid(n.nspowner)::text AS owner, m.extension, json_build_object() AS attributes
  FROM pg_namespace n
  LEFT JOIN member m ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
 WHERE (n.oid >= 16384 OR n.oid = 2200)
   -- `public` has a fixed OID (2200) until somebody drops it and creates it again: still the same schema to everybody. What has this
   -- OID and another name is `public` renamed.
   AND n.nspname <> 'public'
   AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
   AND (m.objid IS NULL OR m.attached OR n.nspowner <> ALL (m.owners))
UNION ALL
SELECT 'extension', '', '', e.extname, '', pg_get_userbyid(e.extowner), NULL,
       json_build_object('in_schema', nullif(n.nspname, 'public')::text)
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.oid >= 16384
