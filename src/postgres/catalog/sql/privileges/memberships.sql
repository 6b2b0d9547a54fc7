-- Who is a direct member of which role, and what the membership is good for. The options of a grant (PostgreSQL 16, pg_auth_members)
-- are asked for as JSON, which older versions can be asked for too: there INHERIT is the member's attribute, and SET always there.
SELECT g.rolname::text AS "group", m.rolname::text AS member,
       bool_or(coalesce((to_jsonb(a) ->> 'inherit_option')::bool, m.rolinherit)) AS inherit,
       bool_or(coalesce((to_jsonb(a) ->> 'set_option')::bool, true)) AS set,
       bool_or(a.admin_option) AS admin
  FROM pg_auth_members a
  JOIN pg_roles g ON g.oid = a.roleid
  JOIN pg_roles m ON m.oid = a.member
 GROUP BY g.rolname, m.rolname
 ORDER BY 1, 2
