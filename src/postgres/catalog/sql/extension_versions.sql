-- Extensions whose version is not the default of the server's files, and whether these lead from the one to the other.
SELECT e.extname::text AS name, e.extversion AS version, a.default_version AS default,
       CASE WHEN a.default_version IS NULL THEN false
            ELSE EXISTS (SELECT FROM pg_extension_update_paths(e.extname) p
                          WHERE p.source = e.extversion AND p.target = a.default_version AND p.path IS NOT NULL) END AS updatable
  FROM pg_extension e
  LEFT JOIN pg_available_extensions() a ON a.name = e.extname
 WHERE a.default_version IS DISTINCT FROM e.extversion
 ORDER BY 1
