-- Whether anybody has written into this database's catalogs since initdb: only then is it looked at what was made here (anything.sql, whose
-- catalogs are all named here) and what became of what initdb made. initdb makes template0 last; where ages do not tell (initdb_age.sql),
-- somebody may have.
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
               UNION ALL SELECT xmin FROM pg_depend UNION ALL SELECT xmin FROM pg_extension UNION ALL SELECT xmin FROM pg_statistic_ext
               UNION ALL SELECT xmin FROM pg_event_trigger UNION ALL SELECT xmin FROM pg_publication
               UNION ALL SELECT xmin FROM pg_transform UNION ALL SELECT xmin FROM pg_am
           ) r
            WHERE age(r.xmin) < (SELECT m.age FROM made m))
       -- pg_subscription is shared by all databases of the cluster.
       OR EXISTS (SELECT FROM pg_subscription s
                   WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
       -- What was taken away leaves no row: each of initdb's configurations has 19 kinds of token.
       OR EXISTS (SELECT FROM gone)
       OR (SELECT count(*) FROM pg_ts_config_map) <> 19 * (SELECT count(*) FROM pg_ts_config) AS touched,
       -- Whether anybody has written a comment on what initdb made, or a label: common_notes.sql.
       EXISTS (SELECT FROM pg_description d WHERE d.objoid < 16384 AND age(d.xmin) < (SELECT m.age FROM made m))
       OR EXISTS (SELECT FROM pg_seclabel)
       OR EXISTS (SELECT FROM pg_shseclabel l WHERE l.classoid = 'pg_database'::regclass)
       OR EXISTS (SELECT FROM pg_shdescription d
                   WHERE d.classoid = 'pg_database'::regclass
                     AND d.objoid IN (SELECT b.oid FROM pg_database b WHERE b.datname IN ('template0', 'template1', 'postgres'))
                     AND d.description NOT IN ('unmodifiable empty database', 'default template for new databases',
                                               'default administrative connection database')) AS noted
