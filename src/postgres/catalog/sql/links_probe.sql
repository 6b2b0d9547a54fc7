-- Which of the facts about jobs and settings are there, and which of them this role may read. Nothing here needs more than CONNECT.
WITH target AS (
    SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) AS owner,
           has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AS readable
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p')
       AND (n.nspname, c.relname) IN (('_timescaledb_config', 'bgw_job'), ('_timescaledb_catalog', 'bgw_job'), ('cron', 'job'))
),
-- TimescaleDB moved its jobs between versions, so ask where they are.
timescale AS (
    SELECT t.nspname, t.readable
      FROM target t
      JOIN pg_extension e ON e.extname = 'timescaledb'
     WHERE t.relname = 'bgw_job'
     ORDER BY t.nspname
     LIMIT 1
),
-- A table of this name that no superuser owns is not pg_cron's, and what hangs on it is not to be run.
cron AS (
    SELECT t.readable
      FROM target t
      JOIN pg_roles r ON r.rolname = t.owner AND r.rolsuper
     WHERE t.nspname = 'cron'
)
SELECT (SELECT nspname::text FROM timescale) AS jobs_schema,
       coalesce((SELECT readable FROM timescale), false) AS jobs_readable,
       EXISTS (SELECT FROM cron) AS cron_exists,
       coalesce((SELECT readable FROM cron), false) AS cron_readable,
       nullif(nullif(current_setting('cron.database_name', true), ''), current_database()) AS cron_elsewhere,
       has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS file_function,
       has_table_privilege('pg_catalog.pg_file_settings', 'SELECT') AS file_view
