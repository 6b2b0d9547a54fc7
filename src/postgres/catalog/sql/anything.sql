-- Whether anybody has made anything in this database: what initdb makes has OIDs below 16384 (FirstNormalObjectId). These are all
-- catalogs that the other queries list objects of.
SELECT EXISTS (
    SELECT FROM (
        SELECT oid FROM pg_class UNION ALL SELECT oid FROM pg_type UNION ALL SELECT oid FROM pg_proc UNION ALL SELECT oid FROM pg_namespace
        UNION ALL SELECT oid FROM pg_extension UNION ALL SELECT oid FROM pg_language UNION ALL SELECT oid FROM pg_collation
        UNION ALL SELECT oid FROM pg_statistic_ext UNION ALL SELECT oid FROM pg_event_trigger UNION ALL SELECT oid FROM pg_publication
        UNION ALL SELECT oid FROM pg_operator UNION ALL SELECT oid FROM pg_opclass UNION ALL SELECT oid FROM pg_opfamily
        UNION ALL SELECT oid FROM pg_cast UNION ALL SELECT oid FROM pg_conversion UNION ALL SELECT oid FROM pg_ts_config
        UNION ALL SELECT oid FROM pg_ts_dict UNION ALL SELECT oid FROM pg_ts_parser UNION ALL SELECT oid FROM pg_ts_template
        UNION ALL SELECT oid FROM pg_transform UNION ALL SELECT oid FROM pg_am UNION ALL SELECT oid FROM pg_foreign_data_wrapper
        UNION ALL SELECT oid FROM pg_foreign_server
    ) o
     WHERE o.oid >= 16384)
    -- Whoever makes a large object may choose its OID.
    OR EXISTS (SELECT FROM pg_largeobject_metadata)
    -- pg_subscription is shared by all databases of the cluster.
    OR EXISTS (SELECT FROM pg_subscription s
                WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())) AS anything
