-- The lines of pg_hba.conf, also those that the server cannot read: with one of those the file on disk is not what is in force
-- (pg_hba_file_rules shows the file). What begins with a slash is a regular expression in PostgreSQL 16 and newer, and only the server
-- reads those as it does; a line that it cannot read has an error.
SELECT line_number AS line, coalesce(type, '') AS kind,
       coalesce(array_to_string(database, ','), '') AS databases, coalesce(array_to_string(user_name, ','), '') AS roles,
       concat_ws('/', address, netmask) AS address,
       CASE WHEN error IS NULL THEN auth_method ELSE 'error: ' || error END AS method,
       CASE WHEN error IS NULL AND current_setting('server_version_num')::int4 >= 160000
            THEN EXISTS (SELECT FROM unnest(database) d WHERE starts_with(d, '/') AND current_database() ~ substr(d, 2))
            ELSE false END AS here,
       CASE WHEN error IS NULL AND current_setting('server_version_num')::int4 >= 160000
            THEN ARRAY(SELECT r.rolname::text FROM pg_roles r
                        WHERE EXISTS (SELECT FROM unnest(user_name) u WHERE starts_with(u, '/') AND r.rolname::text ~ substr(u, 2))
                        ORDER BY 1)
            ELSE '{}' END AS meant,
       coalesce((SELECT substr(o, 5) FROM unnest(options) o WHERE starts_with(o, 'map=') LIMIT 1), '') AS map,
       -- Since PostgreSQL 15.
       has_function_privilege(to_regprocedure('pg_catalog.pg_ident_file_mappings()'), 'EXECUTE')
       AND has_table_privilege(to_regclass('pg_catalog.pg_ident_file_mappings'), 'SELECT') AS mappings
  FROM pg_hba_file_rules
 ORDER BY 1
