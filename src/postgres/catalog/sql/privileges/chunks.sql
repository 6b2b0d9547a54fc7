-- Privileges on single chunks beyond what their hypertable has: TimescaleDB copies the hypertable's, so those are said once, there. And
-- chunks that their hypertable's owner does not own. $1 are the relations that are no chunks: what inherits from one of them and is not
-- among them is a chunk.
WITH odd AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relowner, c.relnamespace, c.relacl, h.relname AS parent, h.relowner AS parent_owner, h.relacl AS parent_acl
      FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid
      JOIN pg_class h ON h.oid = i.inhparent
     WHERE i.inhparent = ANY ($1)
       -- Indexes are most of pg_class, and have indexes as parents.
       AND c.relkind NOT IN ('i', 't', 'I')
       AND (c.relowner <> h.relowner OR c.relacl IS DISTINCT FROM h.relacl)
       AND NOT i.inhrelid = ANY ($1)
),
object(kind, relation, parent, name, owner, schema, acl, initial) AS (
    SELECT 'chunk', o.oid, o.parent, o.relname::text, o.relowner, o.relnamespace, o.relacl,
           coalesce(o.parent_acl, acldefault('r', o.parent_owner))
      FROM odd o
     WHERE o.relacl IS NOT NULL
       AND o.relacl IS DISTINCT FROM o.parent_acl
    UNION ALL
    SELECT 'column', c.oid, c.relname, a.attname::text, c.relowner, c.relnamespace, a.attacl, h.attacl
      FROM pg_attribute a
      JOIN pg_inherits i ON i.inhrelid = a.attrelid
      JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_attribute h ON h.attrelid = i.inhparent AND h.attname = a.attname
     WHERE a.attacl IS NOT NULL
       AND NOT a.attisdropped
       AND i.inhparent = ANY ($1)
       AND a.attacl IS DISTINCT FROM h.attacl
       AND NOT i.inhrelid = ANY ($1)
)
SELECT 'privilege' AS fact, o.kind, n.nspname::text AS schema, o.parent::text AS parent, o.name, '' AS arguments, 'made' AS origin, NULL::text AS extension,
       pg_get_userbyid(o.owner)::text AS owner, CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END AS grantee,
       (array_agg(pg_get_userbyid(a.grantor)::text) FILTER (WHERE a.grantor <> o.owner))[1] AS grantor,
       array_agg(DISTINCT a.privilege_type) AS privileges, bool_or(a.is_grantable) AS grantable, 0::int8 AS more
  FROM object o
  JOIN pg_namespace n ON n.oid = o.schema
 CROSS JOIN LATERAL aclexplode(o.acl) a
 WHERE a.grantee <> o.owner
   AND NOT EXISTS (SELECT FROM aclexplode(o.initial) b WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type)
 GROUP BY o.kind, o.relation, n.nspname, o.parent, o.name, o.owner, a.grantee
UNION ALL
SELECT 'owner', 'chunk', n.nspname, o.parent, o.relname, '', 'made', NULL, pg_get_userbyid(o.relowner), NULL, NULL, NULL, NULL, 0
  FROM odd o
  JOIN pg_namespace n ON n.oid = o.relnamespace
 WHERE o.relowner <> o.parent_owner
 ORDER BY 1, 10, 2, 3, 4, 5
