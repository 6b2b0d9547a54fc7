-- After initdb_age.sql: views and text search configurations of initdb's that are not there under any schema: a superuser can drop them, and
-- what is gone leaves no row. Since which major version each is made.
, gone(kind, name) AS MATERIALIZED (
    SELECT v.kind, n.name
      FROM (VALUES
                   (13, 'view',
                    '_pg_foreign_data_wrappers _pg_foreign_servers _pg_foreign_table_columns _pg_foreign_tables _pg_user_mappings '
                    'administrable_role_authorizations applicable_roles attributes character_sets check_constraint_routine_usage '
                    'check_constraints collation_character_set_applicability collations column_column_usage column_domain_usage '
                    'column_options column_privileges column_udt_usage columns constraint_column_usage constraint_table_usage '
                    'data_type_privileges domain_constraints domain_udt_usage domains element_types enabled_roles '
                    'foreign_data_wrapper_options foreign_data_wrappers foreign_server_options foreign_servers '
                    'foreign_table_options foreign_tables information_schema_catalog_name key_column_usage parameters '
                    'referential_constraints role_column_grants role_routine_grants role_table_grants role_udt_grants '
                    'role_usage_grants routine_privileges routines schemata sequences table_constraints table_privileges tables '
                    'transforms triggered_update_columns triggers udt_privileges usage_privileges user_defined_types '
                    'user_mapping_options user_mappings view_column_usage view_routine_usage view_table_usage views'),
                   (14, 'view',
                    'routine_column_usage routine_routine_usage routine_sequence_usage routine_table_usage'),
                   (13, 'text_search_configuration',
                    'arabic danish dutch english finnish french german greek hungarian indonesian irish italian lithuanian nepali '
                    'norwegian portuguese romanian russian simple spanish swedish tamil turkish'),
                   (14, 'text_search_configuration',
                    'armenian basque catalan hindi serbian yiddish'),
                   (18, 'text_search_configuration',
                    'estonian')
           ) v(major, kind, names)
     CROSS JOIN LATERAL unnest(string_to_array(v.names, ' ')::name[]) n(name)
     WHERE current_setting('server_version_num')::int4 / 10000 BETWEEN v.major AND 18
       AND NOT CASE v.kind WHEN 'view' THEN EXISTS (SELECT FROM pg_class c WHERE c.oid < 16384 AND c.relname = n.name AND c.relkind = 'v')
                           ELSE EXISTS (SELECT FROM pg_ts_config c WHERE c.oid < 16384 AND c.cfgname = n.name) END
)
