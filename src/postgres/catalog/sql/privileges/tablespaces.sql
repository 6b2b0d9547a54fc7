-- Tablespaces that somebody made, the databases that use them, and who beside the owner may create in them (NULL is PUBLIC).
SELECT t.spcname::text AS name, pg_get_userbyid(t.spcowner)::text AS owner,
       ARRAY(SELECT d.datname::text FROM pg_database d WHERE d.oid IN (SELECT pg_tablespace_databases(t.oid)) ORDER BY 1) AS databases,
       ARRAY(SELECT CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END FROM aclexplode(t.spcacl) a
              WHERE a.grantee <> t.spcowner ORDER BY 1) AS grantees
  FROM pg_tablespace t
 WHERE t.oid >= 16384
 ORDER BY 1
