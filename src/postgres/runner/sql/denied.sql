-- What this role may not do with index $1, in the server's words; null when it may drop it.
SELECT (SELECT CASE
                   WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN format('permission denied for schema %s', n.nspname)
                   WHEN NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') AND NOT pg_catalog.pg_has_role(n.nspowner, 'USAGE')
                       THEN format('must be owner of index %s', c.relname)
               END
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = $1)
