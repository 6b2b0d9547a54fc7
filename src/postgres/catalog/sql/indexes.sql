-- Indexes of the relations $1 that no constraint implies and no partitioned index made.
SELECT 'index' AS kind, n.nspname::text AS schema, c.relname::text AS parent, i.relname::text AS name, '' AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           'definition', pg_get_indexdef(x.indexrelid),
           'valid', CASE WHEN NOT (x.indisvalid AND x.indisready) THEN 'false' END,
           'tablespace', (SELECT t.spcname::text FROM pg_tablespace t WHERE t.oid = i.reltablespace)
       ) AS attributes
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class c ON c.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE x.indrelid = ANY ($1)
   AND NOT i.relispartition
   AND NOT EXISTS (SELECT FROM pg_constraint k
                    WHERE k.conrelid = x.indrelid AND k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
