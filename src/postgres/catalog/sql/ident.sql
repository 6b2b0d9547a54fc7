-- The lines of pg_ident.conf (PostgreSQL 15 and newer), which say who of the system may log in as which role where pg_hba.conf has map=.
-- What begins with a slash is a regular expression; for roles in PostgreSQL 16 and newer, as `all` is.
SELECT line_number AS line, coalesce(map_name, '') AS map, coalesce(sys_name, '') AS system, coalesce(pg_username, '') AS role,
       coalesce(error, '') AS error,
       CASE WHEN error IS NULL AND current_setting('server_version_num')::int4 >= 160000 AND starts_with(pg_username, '/')
            THEN ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname::text ~ substr(pg_username, 2) ORDER BY 1)
            ELSE '{}' END AS meant
  FROM pg_ident_file_mappings
 ORDER BY 1
