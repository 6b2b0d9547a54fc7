-- Who owns the database $1, which the session is not in, and whether this role may read how passwords are stored.
SELECT (SELECT pg_get_userbyid(d.datdba)::text FROM pg_database d WHERE d.datname = $1) AS owner,
       has_table_privilege('pg_authid', 'SELECT') AS readable
