-- Privileges that objects will have which are yet to be made, beyond the built-in ones (pg_default_acl, acldefault).
SELECT pg_get_userbyid(d.defaclrole)::text AS role, n.nspname::text AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                            WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS objects,
       CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END AS grantee,
       array_agg(DISTINCT a.privilege_type) AS privileges
  FROM pg_default_acl d
  LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
 CROSS JOIN LATERAL aclexplode(d.defaclacl) a
 WHERE a.grantee <> d.defaclrole
   AND NOT EXISTS (SELECT FROM aclexplode(acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)) b
                    WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type)
 GROUP BY d.defaclrole, n.nspname, d.defaclobjtype, a.grantee
 ORDER BY 1, 2, 3, 4
