-- Privileges on this database and on its schema public. A NULL ACL means the defaults (acldefault), not "nobody".
SELECT 'database' AS object, pg_get_userbyid(d.datdba)::text AS owner, a.grantee = d.datdba AS to_owner,
       CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END AS grantee,
       a.grantee = 0 AS to_public, a.privilege_type AS privilege,
       CASE WHEN a.grantor <> d.datdba THEN pg_get_userbyid(a.grantor)::text END AS grantor, a.is_grantable AS grantable
  FROM pg_database d
  LEFT JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a ON true
 WHERE d.datname = current_database()
UNION
SELECT 'schema', pg_get_userbyid(n.nspowner), a.grantee = n.nspowner,
       CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
       a.grantee = 0, a.privilege_type, CASE WHEN a.grantor <> n.nspowner THEN pg_get_userbyid(a.grantor)::text END, a.is_grantable
  FROM pg_namespace n
  LEFT JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a ON true
 WHERE n.nspname = 'public'
 ORDER BY 1, 4, 6
