-- Large objects lie in no schema and have no row in pg_class. One line for each owner: there may be millions.
SELECT 'large_object' AS kind, '' AS schema, '' AS parent, min(l.oid)::text AS name, '' AS arguments,
       pg_get_userbyid(l.lomowner)::text AS owner, NULL::text AS extension,
       json_build_object('count', count(*)::text, 'last', max(l.oid)::text) AS attributes
  FROM pg_largeobject_metadata l
 GROUP BY l.lomowner
 ORDER BY 4
