-- TimescaleDB's jobs; those below 1000 are its own, as long as they run what is its own as who made the extension, or as a superuser. What
-- a job's configuration holds is never read.
SELECT j.id::int8 AS id, coalesce(j.application_name::text, '') AS name, j.owner::text AS owner,
       format('%s.%s', j.proc_schema, j.proc_name) AS action, j.scheduled AS active,
       (SELECT format('%I.%I', h.schema_name, h.table_name) FROM _timescaledb_catalog.hypertable h WHERE h.id = j.hypertable_id) AS hypertable
  FROM {schema}.bgw_job j
 WHERE j.id >= 1000
    OR j.proc_schema NOT IN ('_timescaledb_internal', '_timescaledb_functions')
    OR NOT EXISTS (SELECT FROM pg_roles r
                    WHERE j.owner::text IN (r.rolname::text, quote_ident(r.rolname))
                      AND (r.rolsuper OR r.oid = (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'timescaledb')))
 ORDER BY 1
