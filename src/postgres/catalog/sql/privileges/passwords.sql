-- How the passwords of roles that may log in are stored (pg_authid), never what is stored.
SELECT r.rolname::text AS name, CASE WHEN r.rolpassword IS NULL THEN 'none' WHEN r.rolpassword LIKE 'md5%' THEN 'md5' ELSE 'scram' END AS kind
  FROM pg_authid r
 WHERE r.rolcanlogin
 ORDER BY 1
