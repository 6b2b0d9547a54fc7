-- Whether anybody has written into the catalogs that say who may do what, and what functions and views are, since initdb: only then is it
-- looked at what became of what initdb made. initdb makes template0 last; where ages do not tell (member_aged.sql), somebody may have.
SELECT (SELECT m.age FROM made m) IS NULL
       OR EXISTS (
           SELECT FROM (
               SELECT xmin FROM pg_class UNION ALL SELECT xmin FROM pg_attribute UNION ALL SELECT xmin FROM pg_proc
               UNION ALL SELECT xmin FROM pg_namespace UNION ALL SELECT xmin FROM pg_type UNION ALL SELECT xmin FROM pg_language
               UNION ALL SELECT xmin FROM pg_rewrite UNION ALL SELECT xmin FROM pg_default_acl
               UNION ALL SELECT xmin FROM pg_foreign_data_wrapper UNION ALL SELECT xmin FROM pg_foreign_server
               UNION ALL SELECT xmin FROM pg_largeobject_metadata
               UNION ALL SELECT xmin FROM pg_constraint UNION ALL SELECT xmin FROM pg_policy UNION ALL SELECT xmin FROM pg_amop
               UNION ALL SELECT xmin FROM pg_amproc UNION ALL SELECT xmin FROM pg_operator UNION ALL SELECT xmin FROM pg_aggregate
               UNION ALL SELECT xmin FROM pg_opclass UNION ALL SELECT xmin FROM pg_opfamily UNION ALL SELECT xmin FROM pg_collation
               UNION ALL SELECT xmin FROM pg_conversion UNION ALL SELECT xmin FROM pg_ts_config UNION ALL SELECT xmin FROM pg_ts_parser
               UNION ALL SELECT xmin FROM pg_ts_template
               UNION ALL SELECT xmin FROM pg_cast UNION ALL SELECT xmin FROM pg_ts_dict UNION ALL SELECT xmin FROM pg_ts_config_map
               UNION ALL SELECT xmin FROM pg_depend
           ) r
            WHERE age(r.xmin) < (SELECT m.age FROM made m))
       -- What was taken away leaves no row: each of initdb's configurations has 19 kinds of token.
       OR (SELECT count(*) FROM pg_ts_config_map) <> 19 * (SELECT count(*) FROM pg_ts_config) AS touched
