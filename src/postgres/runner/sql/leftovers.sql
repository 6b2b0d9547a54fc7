-- What must not be left unnoticed: indexes that are not valid, constraints that are not validated. One that is NOT ENFORCED (PostgreSQL 18)
-- never is, as its definition says. An index on a partitioned table is
-- invalid on purpose until each partition has one (PostgreSQL documentation, "CREATE INDEX", ONLY). One of a TOAST table stands for the
-- table that this belongs to.
SELECT 'index' AS what, c.oid, coalesce(o.oid, t.oid) AS table_oid, format('%I.%I', n.nspname, c.relname) AS shown, c.relname::text AS plain,
       n.nspname::text AS schema, format('%I.%I', tn.nspname, coalesce(o.relname, t.relname)) AS on_table, c.relkind = 'I' AS partitioned
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
  LEFT JOIN pg_catalog.pg_class o ON t.relkind = 't' AND o.reltoastrelid = t.oid
  JOIN pg_catalog.pg_namespace tn ON tn.oid = coalesce(o.relnamespace, t.relnamespace)
 WHERE NOT (x.indisvalid AND x.indisready)
   AND t.relpersistence <> 't'
UNION ALL
SELECT 'constraint', k.oid, t.oid, pg_catalog.quote_ident(k.conname), k.conname::text,
       n.nspname::text, format('%I.%I', n.nspname, t.relname), t.relkind = 'p'
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
 WHERE NOT k.convalidated
   AND (pg_catalog.to_jsonb(k) OPERATOR(pg_catalog.->>) 'conenforced') IS DISTINCT FROM 'false'
   AND t.relpersistence <> 't'
 ORDER BY 1, 4
