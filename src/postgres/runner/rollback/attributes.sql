-- The attributes of composite types (and of tables that serve as one) that a table's column holds: itself or within arrays, domains, ranges
-- and other composite types. A type that has no attribute left has one row.
WITH RECURSIVE used(rel, num, type) AS (
    SELECT a.attrelid, a.attnum, a.atttypid
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND c.relpersistence <> 't' AND a.atttypid >= 16384
    UNION
    SELECT u.rel, u.num, held.type
      FROM used u
      JOIN pg_type t ON t.oid = u.type
     CROSS JOIN LATERAL (
        SELECT t.typelem
        UNION ALL SELECT t.typbasetype
        UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.typtype IN ('r', 'm') AND t.oid IN (r.rngtypid, r.rngmultitypid)
        UNION ALL SELECT a.atttypid FROM pg_attribute a
                   WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) held(type)
     WHERE held.type >= 16384
)
SELECT u.rel, u.num::int4, t.typrelid, format('%s.%s', n.nspname, t.typname), a.attnum::int4, a.attname::text,
       format_type(a.atttypid, a.atttypmod)
  FROM used u
  JOIN pg_type t ON t.oid = u.type AND t.typtype = 'c'
  JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
