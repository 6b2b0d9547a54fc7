-- Who is a direct member of which role, and what the membership is good for. The options of a grant (PostgreSQL 16, pg_auth_members)
-- are asked for as JSON, which older versions can be asked for too: there INHERIT is the member's attribute, and SET always there.
SELECT g.rolname::text AS "group", m.rolname::text AS member,
       bool_or(coalesce((to_jsonb(a) ->> 'inherit_option')::bool, m.rolinherit)) AS inherit,
       bool_or(coalesce((to_jsonb(a) ->> 'set_option')::bool, true)) AS set,
       bool_or(a.admin_option) AS admin,
       -- Whoever gave it but the bootstrap superuser: from PostgreSQL 16 on each gift is taken back by itself (REVOKE, GRANTED BY).
       array_remove(array_agg(DISTINCT CASE WHEN a.grantor <> 10 AND to_jsonb(a) ->> 'inherit_option' IS NOT NULL
                                            THEN pg_get_userbyid(a.grantor)::text END), NULL) AS grantors,
       bool_or(a.grantor = 10 OR to_jsonb(a) ->> 'inherit_option' IS NULL) AS plain
  FROM pg_auth_members a
  JOIN pg_roles g ON g.oid = a.roleid
  JOIN pg_roles m ON m.oid = a.member
 GROUP BY g.rolname, m.rolname
 ORDER BY 1, 2
