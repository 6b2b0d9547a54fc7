-- The role itself and those that it may SET ROLE to; a superuser need not.
actor AS (
    SELECT r.oid, r.rolname = current_user AS own, r.rolsuper OR r.rolbypassrls AS sees_all,
           CASE WHEN r.rolname = current_user THEN '' ELSE r.rolname::text END AS name
      FROM pg_roles r
     WHERE r.rolname = current_user
        OR (SELECT NOT s.rolsuper FROM pg_roles s WHERE s.rolname = current_user)
           AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
)
