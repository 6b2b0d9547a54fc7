-- The cluster's databases.
SELECT datname::text AS name FROM pg_database WHERE NOT datistemplate ORDER BY 1
