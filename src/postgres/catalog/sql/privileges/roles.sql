-- The server's roles, groups included, with the attributes that reach beyond one database.
SELECT r.rolname::text AS name, r.rolcanlogin AS login,
       array_remove(ARRAY[CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
                          CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
                          CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END], NULL) AS powers
  FROM pg_roles r
 ORDER BY 1
