-- The cluster's roles that may log in, with all that they are members of, directly or through others.
WITH RECURSIVE membership(member, roleid) AS (
    SELECT member, roleid FROM pg_auth_members
    UNION
    SELECT m.member, a.roleid FROM membership m JOIN pg_auth_members a ON a.member = m.roleid
)
SELECT r.rolname::text AS name, r.rolsuper AS superuser, r.rolcreatedb AS createdb, r.rolcreaterole AS createrole,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls,
       ARRAY(SELECT g.rolname::text FROM membership m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1) AS member_of
  FROM pg_roles r
 WHERE r.rolcanlogin
 ORDER BY 1
