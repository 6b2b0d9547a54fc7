-- pg_cron's jobs that run in database $1. As JSON, for its columns differ between versions.
SELECT to_jsonb(j)::text AS entry FROM cron.job j WHERE j.database::text = $1 ORDER BY j.jobid
