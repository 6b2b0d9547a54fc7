-- Relations, functions and types that are members of extensions (pg_depend, deptype e): by name, for an object that a superuser
-- attached cannot be told from the extension's own in any other way.
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table' WHEN 'S' THEN 'sequence' ELSE CASE WHEN c.oid IS NOT NULL THEN 'table' WHEN p.oid IS NOT NULL THEN 'function' ELSE 'type' END END AS kind,
       n.nspname::text AS schema, '' AS parent, coalesce(c.relname, p.proname, t.typname)::text AS name,
       coalesce(oidvectortypes(p.proargtypes), '') AS arguments, NULL::text AS owner,
       e.extname::text AS extension, json_build_object() AS attributes
  FROM pg_depend d
  JOIN pg_extension e ON e.oid = d.refobjid
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
  LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typrelid = 0 AND t.typelem = 0
  JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, p.pronamespace, t.typnamespace)
 WHERE d.refclassid = 'pg_extension'::regclass
   AND d.deptype = 'e'
   AND d.objid >= 16384
   -- What an extension keeps in a schema of its own is not looked up there by any service.
   AND n.nspname !~ '^_timescaledb_|^timescaledb_'
   AND coalesce(c.relname, p.proname, t.typname) = ANY ($1)
 ORDER BY 1, 2, 4, 5
