-- Tablespaces that somebody made, and the server's own two where anybody else owns or may use them: the databases that use them (of the server's own it
-- says nothing), and who beside the owner may create in them (NULL is PUBLIC).
SELECT t.spcname::text AS name, pg_get_userbyid(t.spcowner)::text AS owner, t.oid >= 16384 AS made,
       ARRAY(SELECT d.datname::text FROM pg_database d WHERE d.oid IN (SELECT pg_tablespace_databases(t.oid) WHERE t.oid >= 16384) ORDER BY 1) AS databases,
       ARRAY(SELECT CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END FROM aclexplode(t.spcacl) a
              WHERE a.grantee <> t.spcowner ORDER BY 1) AS grantees
  FROM pg_tablespace t
 WHERE t.oid >= 16384
    OR t.spcowner <> 10
    OR EXISTS (SELECT FROM aclexplode(t.spcacl) a WHERE a.grantee <> t.spcowner)
 ORDER BY 1
