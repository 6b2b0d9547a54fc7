-- After initdb_age.sql and initdb_gone.sql: which facts of state.rs this role may read, the key/value tables of schema public (ordinary ones with a text column
-- "key", so that reading it runs nothing of the service's), and whether system_changed.sql is to be asked.
SELECT has_function_privilege('pg_catalog.pg_available_extensions()', 'EXECUTE')
       AND has_function_privilege('pg_catalog.pg_extension_update_paths(name)', 'EXECUTE') AS extensions,
       (SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()) AS encoding,
       -- PostgreSQL 14 has neither the column nor the function.
       (SELECT to_jsonb(d) ->> 'datcollversion' FROM pg_database d WHERE d.datname = current_database()) AS collation_version,
       coalesce(has_function_privilege(to_regprocedure('pg_catalog.pg_database_collation_actual_version(oid)'), 'EXECUTE'), false)
           AS collation_function,
       ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
              WHERE n.nspname = 'public' AND c.relname IN ('vars', 'k_vars') AND c.relkind = 'r'
                AND a.attname = 'key' AND NOT a.attisdropped
                AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype)
                AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
                         AND NOT row_security_active(c.oid))
              ORDER BY 1) AS closed,
       ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
              WHERE n.nspname = 'public' AND c.relname IN ('vars', 'k_vars') AND c.relkind = 'r'
                AND a.attname = 'key' AND NOT a.attisdropped
                AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype)
                AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
                AND NOT row_security_active(c.oid)
              ORDER BY 1) AS open,
       -- Whether anybody may have changed what system_changed.sql looks at: each of its parts shows in a row that is younger than initdb, or
       -- has gone. A new column shows in its table's row.
       (SELECT m.age FROM made m) IS NULL
       OR EXISTS (
           SELECT FROM (
               SELECT xmin FROM pg_class WHERE oid < 16384 UNION ALL SELECT xmin FROM pg_proc WHERE oid < 16384
               UNION ALL SELECT xmin FROM pg_type WHERE oid < 16384 UNION ALL SELECT xmin FROM pg_language WHERE oid < 16384
               UNION ALL SELECT xmin FROM pg_rewrite WHERE ev_class < 16384 UNION ALL SELECT xmin FROM pg_attrdef WHERE adrelid < 16384
               UNION ALL SELECT xmin FROM pg_constraint WHERE conrelid BETWEEN 1 AND 16383
               UNION ALL SELECT xmin FROM pg_constraint WHERE conrelid = 0 AND contypid BETWEEN 1 AND 16383
               UNION ALL SELECT xmin FROM pg_index WHERE indrelid < 16384 UNION ALL SELECT xmin FROM pg_policy WHERE polrelid < 16384
               UNION ALL SELECT xmin FROM pg_trigger WHERE tgrelid < 16384 UNION ALL SELECT xmin FROM pg_cast WHERE oid < 16384
               UNION ALL SELECT xmin FROM pg_ts_dict WHERE oid < 16384 UNION ALL SELECT xmin FROM pg_ts_config_map WHERE mapcfg < 16384
               UNION ALL SELECT xmin FROM pg_amop WHERE amopfamily < 16384 UNION ALL SELECT xmin FROM pg_amproc WHERE amprocfamily < 16384
               UNION ALL SELECT xmin FROM pg_operator WHERE oid < 16384 UNION ALL SELECT xmin FROM pg_aggregate WHERE aggfnoid < 16384
               UNION ALL SELECT xmin FROM pg_opclass WHERE oid < 16384 UNION ALL SELECT xmin FROM pg_opfamily WHERE oid < 16384
               UNION ALL SELECT xmin FROM pg_collation WHERE oid < 16384 UNION ALL SELECT xmin FROM pg_conversion WHERE oid < 16384
               UNION ALL SELECT xmin FROM pg_ts_config WHERE oid < 16384 UNION ALL SELECT xmin FROM pg_ts_parser WHERE oid < 16384
               UNION ALL SELECT xmin FROM pg_ts_template WHERE oid < 16384
               UNION ALL SELECT xmin FROM pg_namespace WHERE oid < 16384 AND oid <> 2200
               UNION ALL SELECT xmin FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND objid < 16384
           ) r
            WHERE age(r.xmin) < (SELECT m.age FROM made m))
       OR EXISTS (SELECT FROM gone)
       OR (SELECT count(*) FROM pg_ts_config_map WHERE mapcfg < 16384) <> 19 * (SELECT count(*) FROM pg_ts_config WHERE oid < 16384)
           AS system_touched
