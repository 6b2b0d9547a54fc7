-- Who owns this database, and who beside its owner may create in it: CONNECT and TEMPORARY leave nothing behind.
SELECT pg_get_userbyid(d.datdba)::text AS owner,
       ARRAY(SELECT CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END FROM aclexplode(d.datacl) a
              WHERE a.grantee <> d.datdba AND a.privilege_type = 'CREATE' ORDER BY 1) AS creators,
       EXISTS (SELECT FROM pg_database t WHERE t.datname = 'template0' AND t.datallowconn) AS template0_open,
       (SELECT pg_get_userbyid(t.datdba)::text FROM pg_database t WHERE t.datname = 'template0') AS template0_owner
  FROM pg_database d
 WHERE d.datname = current_database()
