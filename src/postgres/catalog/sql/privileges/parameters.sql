-- Privileges on parameters (PostgreSQL 15, pg_parameter_acl). By default nobody but superusers has any.
SELECT p.parname AS parameter, CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END AS grantee,
       array_agg(DISTINCT a.privilege_type) AS privileges,
       array_remove(array_agg(DISTINCT CASE WHEN a.grantor <> 10 THEN pg_get_userbyid(a.grantor)::text END), NULL) AS grantors,
       bool_or(a.grantor = 10) AS plain, bool_or(a.is_grantable) AS grantable
  FROM pg_parameter_acl p
 CROSS JOIN LATERAL aclexplode(p.paracl) a
 -- The bootstrap superuser owns all parameters.
 WHERE a.grantee <> 10
 GROUP BY p.parname, a.grantee
 ORDER BY 1, 2
