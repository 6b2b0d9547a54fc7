-- The cluster's databases and their owners.
SELECT datname::text AS name, pg_get_userbyid(datdba)::text AS owner FROM pg_database WHERE NOT datistemplate ORDER BY 1
