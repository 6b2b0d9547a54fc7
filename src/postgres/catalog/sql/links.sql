-- What reaches out of the database: wrappers, foreign servers with their user mappings, subscriptions. Options that may hold
-- credentials are never read; of a user mapping only the name that it logs in with.
SELECT 'wrapper' AS kind, '' AS schema, '' AS parent, w.fdwname::text AS name, '' AS arguments,
       pg_get_userbyid(w.fdwowner)::text AS owner, m.extension,
       json_build_object('handler', nullif(w.fdwhandler::regproc::text, '-')) AS attributes
  FROM pg_foreign_data_wrapper w
  LEFT JOIN member m ON m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = w.oid
 WHERE w.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR w.fdwowner <> ALL (m.owners))
UNION ALL
SELECT 'server', '', '', s.srvname, '', pg_get_userbyid(s.srvowner), m.extension,
       json_build_object(
           'wrapper', w.fdwname::text,
           'host', (SELECT string_agg(o.option_value, ', ') FROM pg_options_to_table(s.srvoptions) o WHERE o.option_name IN ('host', 'hostaddr')),
           'port', (SELECT o.option_value FROM pg_options_to_table(s.srvoptions) o WHERE o.option_name = 'port'),
           'dbname', (SELECT o.option_value FROM pg_options_to_table(s.srvoptions) o WHERE o.option_name = 'dbname'),
           'user_mappings', (SELECT string_agg(concat_ws(' as ', u.usename, (
                                        SELECT o.option_value FROM pg_options_to_table(u.umoptions) o WHERE o.option_name = 'user')),
                                    ', ' ORDER BY u.usename)
                               FROM pg_user_mappings u WHERE u.srvid = s.oid))
  FROM pg_foreign_server s
  JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
  LEFT JOIN member m ON m.classid = 'pg_foreign_server'::regclass AND m.objid = s.oid
 WHERE s.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR s.srvowner <> ALL (m.owners))
UNION ALL
-- pg_subscription is shared by all databases of the cluster.
SELECT 'subscription', '', '', s.subname, '', pg_get_userbyid(s.subowner), NULL,
       json_build_object(
           'enabled', CASE WHEN NOT s.subenabled THEN 'false' END,
           'slot', s.subslotname::text,
           'publications', (SELECT string_agg(p, ', ' ORDER BY p) FROM unnest(s.subpublications) p))
  FROM pg_subscription s
 WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
