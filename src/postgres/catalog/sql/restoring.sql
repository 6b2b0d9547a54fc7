-- Where timescaledb.restoring is set for this database: for the database, for this role, or for the whole server.
SELECT CASE WHEN s.setdatabase <> 0 THEN current_database()::text END AS database,
       CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole)::text END AS role,
       substr(c.setting, strpos(c.setting, '=') + 1) AS value
  FROM pg_db_role_setting s
  CROSS JOIN LATERAL unnest(s.setconfig) c(setting)
 WHERE lower(split_part(c.setting, '=', 1)) = 'timescaledb.restoring'
   AND (s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        OR s.setdatabase = 0 AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user)))
UNION ALL
SELECT NULL, NULL, setting
  FROM pg_settings
 WHERE name = 'timescaledb.restoring'
   AND source IN ('configuration file', 'command line', 'environment variable', 'global')
 ORDER BY 1, 2, 3
