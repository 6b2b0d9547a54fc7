-- Settings of roles and of this database that decide where statements end up, what they mean and what runs beside them. No others are read: a
-- setting can hold a password.
SELECT r.rolname::text AS role, s.setdatabase <> 0 AS here, split_part(c.entry, '=', 1) AS name,
       substr(c.entry, strpos(c.entry, '=') + 1) AS value
  FROM pg_db_role_setting s
  LEFT JOIN pg_roles r ON r.oid = s.setrole
 CROSS JOIN LATERAL unnest(s.setconfig) AS c(entry)
 WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
   AND split_part(c.entry, '=', 1) IN ('search_path', 'role', 'session_authorization', 'session_preload_libraries',
                                       'local_preload_libraries', 'default_tablespace', 'temp_tablespaces',
                                       'session_replication_role', 'lo_compat_privileges', 'dynamic_library_path',
                                       'event_triggers', 'default_table_access_method', 'extension_control_path',
                                       'default_transaction_read_only', 'row_security', 'check_function_bodies', 'transform_null_equals',
                                       'array_nulls', 'standard_conforming_strings', 'backslash_quote', 'gin_fuzzy_search_limit',
                                       'password_encryption', 'zero_damaged_pages', 'ignore_checksum_failure', 'ignore_system_indexes',
                                       'allow_system_table_mods')
 ORDER BY 1 NULLS FIRST, 2, 3
