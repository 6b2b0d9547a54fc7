-- Privileges on large objects. There may be millions: twenty of one owner, grantee and privileges are listed, the rest is counted.
WITH held AS (
    SELECT l.oid, l.lomowner AS owner, a.grantee, (array_agg(a.grantor) FILTER (WHERE a.grantor <> l.lomowner))[1] AS grantor,
           array_agg(DISTINCT a.privilege_type) AS privileges, bool_or(a.is_grantable) AS grantable
      FROM pg_largeobject_metadata l
     CROSS JOIN LATERAL aclexplode(l.lomacl) a
     WHERE l.lomacl IS NOT NULL
       AND a.grantee <> l.lomowner
     GROUP BY l.oid, l.lomowner, a.grantee
),
numbered AS (
    SELECT h.*, row_number() OVER w AS number, count(*) OVER (PARTITION BY owner, grantee, grantor, privileges, grantable) AS total
      FROM held h
    WINDOW w AS (PARTITION BY owner, grantee, grantor, privileges, grantable ORDER BY oid)
)
SELECT 'large_object' AS kind, '' AS schema, '' AS parent, n.oid::text AS name, '' AS arguments, 'made' AS origin, NULL::text AS extension,
       pg_get_userbyid(n.owner)::text AS owner, CASE WHEN n.grantee <> 0 THEN pg_get_userbyid(n.grantee)::text END AS grantee,
       pg_get_userbyid(n.grantor)::text AS grantor, n.privileges, n.grantable,
       CASE WHEN n.number = 20 THEN n.total - 20 ELSE 0 END AS more
  FROM numbered n
 WHERE n.number <= 20
 ORDER BY n.oid
