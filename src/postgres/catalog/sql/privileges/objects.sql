-- Privileges that somebody other than the owner holds on an object of this database, beyond those that it had from the start:
-- acldefault(), or pg_init_privs for what initdb or an extension's script made (pg_init_privs). An ACL that is NULL is the default.
-- pg_init_privs is a table that a superuser can write, so it is not believed where it names a role that initdb cannot have known, where a row
-- is younger than what should have written it, and where a row is gone that initdb writes.
-- $1 are the relations that are no chunks; what inherits and is not among them is a chunk, and asked about in chunks.sql. $2 are those and
-- all others that do not inherit, $3 the types with an ACL (inventory.sql): chunks have most of pg_class and pg_type.
, internal(oid, acl) AS MATERIALIZED (
{internals}
),
object(kind, schema, parent, name, arguments, class, oid, sub, owner, acl, type) AS (
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view'
                          WHEN 'f' THEN 'foreign_table' ELSE 'table' END,
           n.nspname, NULL::name, c.relname::text, '', 'pg_class'::regclass, c.oid, 0, c.relowner, c.relacl,
           CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE (c.oid < 16384 OR c.oid = ANY ($2))
       AND c.relacl IS NOT NULL
       AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
       AND (c.relpersistence <> 't' OR n.nspname !~ '^pg_temp_')
       AND (c.oid = ANY ($1) OR NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))
    UNION ALL
    SELECT 'column', n.nspname, c.relname, a.attname::text, '', 'pg_class'::regclass, c.oid, a.attnum, c.relowner, a.attacl, 'c'
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE a.attacl IS NOT NULL
       AND NOT a.attisdropped
       -- Never all of pg_attribute: chunks have most of it.
       AND a.attrelid = ANY (ARRAY(SELECT unnest($1)
                                   UNION SELECT m.objid FROM member m WHERE m.classid = 'pg_class'::regclass
                                   UNION SELECT s.oid FROM pg_class s WHERE s.oid < 16384 AND s.relkind IN ('r', 'v')))
    UNION ALL
    SELECT 'function', n.nspname, NULL, p.proname::text, oidvectortypes(p.proargtypes), 'pg_proc'::regclass, p.oid, 0,
           p.proowner, p.proacl, 'f'
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 'type', n.nspname, NULL, t.typname::text, '', 'pg_type'::regclass, t.oid, 0, t.typowner, t.typacl, 'T'
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.oid = ANY ($3)
       AND t.typacl IS NOT NULL
    UNION ALL
    SELECT 'schema', '', NULL, n.nspname::text, '', 'pg_namespace'::regclass, n.oid, 0, n.nspowner, n.nspacl, 'n'
      FROM pg_namespace n
     WHERE n.nspacl IS NOT NULL
       AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
    UNION ALL
    SELECT 'language', '', NULL, l.lanname::text, '', 'pg_language'::regclass, l.oid, 0, l.lanowner, l.lanacl, 'l'
      FROM pg_language l
     WHERE l.lanacl IS NOT NULL
    UNION ALL
    SELECT 'wrapper', '', NULL, w.fdwname::text, '', 'pg_foreign_data_wrapper'::regclass, w.oid, 0, w.fdwowner, w.fdwacl, 'F'
      FROM pg_foreign_data_wrapper w
     WHERE w.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'server', '', NULL, s.srvname::text, '', 'pg_foreign_server'::regclass, s.oid, 0, s.srvowner, s.srvacl, 'S'
      FROM pg_foreign_server s
     WHERE s.srvacl IS NOT NULL
)
SELECT o.kind, o.schema::text AS schema, coalesce(o.parent::text, '') AS parent, o.name, o.arguments,
       CASE WHEN o.kind = 'schema' AND o.name = 'public' THEN 'made'
            WHEN o.oid < 16384 THEN 'system'
            WHEN m.objid IS NOT NULL THEN 'extension'
            ELSE 'made' END AS origin,
       m.extension, pg_get_userbyid(o.owner)::text AS owner,
       CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END AS grantee,
       (array_agg(pg_get_userbyid(a.grantor)::text) FILTER (WHERE a.grantor <> o.owner))[1] AS grantor,
       array_agg(DISTINCT a.privilege_type) AS privileges, bool_or(a.is_grantable) AS grantable, 0::int8 AS more
  FROM object o
  LEFT JOIN member m ON m.classid = o.class AND m.objid = o.oid
  LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub AND (o.oid < 16384 OR m.objid IS NOT NULL)
  CROSS JOIN LATERAL aclexplode(o.acl) a
 WHERE a.grantee <> o.owner
   AND NOT EXISTS (SELECT FROM aclexplode(CASE WHEN i.objoid IS NULL AND o.class = 'pg_proc'::regclass
                                                    AND o.oid = ANY ((SELECT string_to_array(s.closed, ' ') FROM stock s)::oid[]) THEN NULL
                                               ELSE coalesce(i.initprivs, acldefault(o.type, o.owner)) END) b
                    WHERE b.privilege_type = a.privilege_type
                      AND CASE WHEN i.objoid IS NULL THEN true
                               WHEN o.oid < 16384 THEN b.grantee BETWEEN 1 AND 16383 OR b.grantee = 0 AND (age(i.xmin) < (SELECT age FROM made)
                                    AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.xmin = i.xmin)) IS NOT TRUE
                               -- Scripts let PUBLIC read.
                               WHEN m.scripted AND age(i.xmin) < m.made THEN b.grantee BETWEEN 1 AND 16383 OR b.grantee = ANY (m.owners)
                                    OR b.grantee = 0 AND b.privilege_type IN ('SELECT', 'USAGE', 'EXECUTE')
                               ELSE true END
                      AND (b.grantee = a.grantee
                           -- What PUBLIC has of a function or relation from the start is nothing new for anybody: GRANT ... ON ALL FUNCTIONS is ordinary.
                           OR b.grantee = 0 AND NOT a.is_grantable AND (o.oid < 16384 OR m.objid IS NOT NULL)
                              AND o.class IN ('pg_proc'::regclass, 'pg_class'::regclass)))
   -- Nor is a column of what PUBLIC has.
   AND NOT (o.sub > 0 AND NOT a.is_grantable AND (o.oid < 16384 OR m.objid IS NOT NULL)
            AND EXISTS (SELECT FROM pg_init_privs r CROSS JOIN LATERAL aclexplode(r.initprivs) b
                         WHERE r.classoid = o.class AND r.objoid = o.oid AND r.objsubid = 0 AND b.grantee = 0 AND b.privilege_type = a.privilege_type))
   -- What was granted on the relation that it stands behind is said there.
   AND NOT EXISTS (SELECT FROM internal l CROSS JOIN LATERAL aclexplode(l.acl) b
                    WHERE o.class = 'pg_class'::regclass AND l.oid = o.oid AND b.grantee = a.grantee AND b.privilege_type = a.privilege_type)
   -- initdb gives these, on information_schema, after it has written pg_init_privs. That it was renamed is told elsewhere.
   AND NOT (o.oid < 16384 AND a.grantee = 0 AND a.privilege_type IN ('SELECT', 'USAGE')
            AND CASE o.kind WHEN 'schema' THEN o.name ELSE o.schema::text END NOT IN ('pg_catalog', 'pg_toast'))
 GROUP BY o.kind, o.schema, o.parent, o.name, o.arguments, o.oid, o.owner, m.objid, m.extension, a.grantee
 ORDER BY 9, 1, 2, 3, 4, 5
