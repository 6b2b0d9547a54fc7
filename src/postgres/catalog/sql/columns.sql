-- Columns of the relations $1. Those of views follow from the definition, those of partitions from the parent, but for a default or a
-- NOT NULL of the partition's own.
SELECT 'column' AS kind, n.nspname::text AS schema, c.relname::text AS parent, a.attname::text AS name, '' AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           'type', format_type(a.atttypid, a.atttypmod),
           -- PostgreSQL 18 knows NOT NULL ... NOT VALID: rows that are there may be NULL.
           'not_null', CASE WHEN a.attnotnull THEN CASE WHEN EXISTS (
               SELECT FROM pg_constraint k
                WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated) THEN 'not validated'
                                                   ELSE 'true' END END,
           'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
           'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END || coalesce((
               SELECT nullif(' (' || concat_ws(', ',
                          CASE WHEN s.seqincrement <> 1 THEN format('increment %s', s.seqincrement) END,
                          CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END
                              THEN format('start %s', s.seqstart) END,
                          CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE m.lowest END THEN format('min %s', s.seqmin) END,
                          CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN m.highest ELSE -1 END THEN format('max %s', s.seqmax) END,
                          CASE WHEN s.seqcycle THEN 'cycle' END) || ')', ' ()')
                 FROM pg_depend o
                 JOIN pg_sequence s ON s.seqrelid = o.objid
                 CROSS JOIN LATERAL (
                     SELECT CASE s.seqtypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END,
                            CASE s.seqtypid WHEN 'int2'::regtype THEN -32768 WHEN 'int4'::regtype THEN -2147483648 ELSE -9223372036854775808 END
                 ) AS m (highest, lowest)
                WHERE a.attidentity <> '' AND o.classid = 'pg_class'::regclass AND o.deptype = 'i'
                  AND o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum), ''),
           'generated', CASE WHEN a.attgenerated <> '' THEN
               format('(%s) %s', pg_get_expr(d.adbin, d.adrelid), CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END) END,
           'collation', CASE WHEN a.attcollation <> t.typcollation THEN
               (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co
                  JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation) END,
           'storage', CASE WHEN a.attstorage <> t.typstorage THEN
               CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
           'column_compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END
       ) AS attributes
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = ANY ($1)
   AND a.attnum > 0
   AND NOT a.attisdropped
   AND (c.relkind IN ('r', 'p', 'f') AND (a.attislocal OR NOT c.relispartition
            OR NOT EXISTS (SELECT FROM pg_inherits i
                             JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attname = a.attname
                             LEFT JOIN pg_attrdef e ON e.adrelid = p.attrelid AND e.adnum = p.attnum
                            WHERE i.inhrelid = a.attrelid AND p.attnotnull = a.attnotnull
                              AND pg_get_expr(e.adbin, e.adrelid) IS NOT DISTINCT FROM pg_get_expr(d.adbin, d.adrelid)))
        OR c.relkind = 'v' AND a.atthasdef)
