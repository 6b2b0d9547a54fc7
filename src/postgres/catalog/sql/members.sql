-- Relations, functions, types, schemas and event triggers that are members of extensions (pg_depend, deptype e): by name, for an object that a superuser
-- attached cannot be told from the extension's own in any other way. Looked up by these names, for an extension may have many members.
WITH named(class, oid, kind, namespace, name, arguments) AS MATERIALIZED (
    SELECT 'pg_class'::regclass, c.oid,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table' WHEN 'S' THEN 'sequence' ELSE 'table' END,
           c.relnamespace, c.relname, ''
      FROM pg_class c
     WHERE c.relname = ANY ($1)
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 'function', p.pronamespace, p.proname, oidvectortypes(p.proargtypes)
      FROM pg_proc p
     WHERE p.proname = ANY ($1)
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 'type', t.typnamespace, t.typname, ''
      FROM pg_type t
     WHERE t.typname = ANY ($1)
       AND t.typrelid = 0
       AND t.typelem = 0
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, 'schema', NULL, n.nspname, '' FROM pg_namespace n WHERE n.nspname = ANY ($1)
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, t.oid, 'event_trigger', NULL, t.evtname, '' FROM pg_event_trigger t WHERE t.evtname = ANY ($1)
)
SELECT o.kind, coalesce(n.nspname, '')::text AS schema, '' AS parent, o.name::text AS name, o.arguments, NULL::text AS owner,
       e.extname::text AS extension, json_build_object() AS attributes
  FROM named o
  -- OFFSET 0: one look into an index for each name, rather than all members of all extensions for each.
 CROSS JOIN LATERAL (SELECT e.oid, e.extname
                       FROM pg_depend d
                       JOIN pg_extension e ON e.oid = d.refobjid
                      WHERE d.classid = o.class AND d.objid = o.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                     OFFSET 0) e
  LEFT JOIN pg_namespace n ON n.oid = o.namespace
 WHERE o.oid >= 16384
   -- What an extension keeps in a schema that it made (its row is no older than that in pg_depend) is not looked up there by any service.
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.refclassid = 'pg_extension'::regclass
                      AND d.refobjid = e.oid AND d.deptype = 'e' AND age(n.xmin) <= age(d.xmin))
 ORDER BY 1, 2, 4, 5
