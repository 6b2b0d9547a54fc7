-- The cluster's roles, with the groups that each is a member of directly: through which others is worked out from them (access.rs), for a
-- recursive query takes a minute where thousands are nested.
SELECT r.rolname::text AS name, r.rolcanlogin AS login, r.rolsuper AS superuser, r.rolcreatedb AS createdb, r.rolcreaterole AS createrole,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls,
       coalesce(m.groups, '{}') AS groups
  FROM pg_roles r
  LEFT JOIN (SELECT a.member, array_agg(DISTINCT g.rolname::text) AS groups
               FROM pg_auth_members a
               JOIN pg_roles g ON g.oid = a.roleid
              GROUP BY a.member) m ON m.member = r.oid
 ORDER BY 1
