-- TimescaleDB's jobs; those below 1000 are its own, as long as they run what is its own. What a job's configuration holds is never read.
SELECT j.id::int8 AS id, coalesce(j.application_name::text, '') AS name, j.owner::text AS owner,
       format('%s.%s', j.proc_schema, j.proc_name) AS action, j.scheduled AS active,
       (SELECT format('%I.%I', h.schema_name, h.table_name) FROM _timescaledb_catalog.hypertable h WHERE h.id = j.hypertable_id) AS hypertable
  FROM {schema}.bgw_job j
 WHERE j.id >= 1000
    OR j.proc_schema NOT IN ('_timescaledb_internal', '_timescaledb_functions')
 ORDER BY 1
