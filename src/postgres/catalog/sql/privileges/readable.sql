-- What the other queries need and this role may not read. By default every role may; a server can be hardened.
SELECT ARRAY(SELECT format('SELECT ON pg_catalog.%s', c.relname)
               FROM pg_class c
              WHERE c.relnamespace = 'pg_catalog'::regnamespace
                AND c.relname IN ('pg_auth_members', 'pg_db_role_setting', 'pg_default_acl', 'pg_inherits', 'pg_init_privs',
                                  'pg_largeobject_metadata', 'pg_parameter_acl', 'pg_roles', 'pg_shdepend', 'pg_stat_activity',
                                  'pg_stat_replication', 'pg_tablespace')
                AND NOT has_table_privilege(c.oid, 'SELECT')
              UNION ALL
             SELECT 'EXECUTE ON FUNCTION pg_catalog.pg_tablespace_databases(oid)'
              WHERE NOT has_function_privilege('pg_catalog.pg_tablespace_databases(oid)', 'EXECUTE')
              ORDER BY 1) AS missing,
       has_column_privilege('pg_catalog.pg_authid', 'rolname', 'SELECT')
       AND has_column_privilege('pg_catalog.pg_authid', 'rolcanlogin', 'SELECT')
       AND has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT') AS passwords
