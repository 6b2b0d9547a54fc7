-- A constraint that somebody put on an extension's relation acts as well, by the functions in its expression. An index is not asked about:
-- REINDEX ... CONCURRENTLY makes a new one.
UNION ALL
SELECT 'constraint', n.nspname, c.relname, k.conname, '', NULL, NULL, json_build_object('definition', pg_get_constraintdef(k.oid))
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
   AND {constraint}
-- A column was added if nothing of the script's comes after it and the relation's row is from the same transaction: ALTER COLUMN writes the
-- column's alone. A default of the script's has an OID among those of its objects. One that may be NULL may have lost its NOT NULL if nothing
-- else that ALTER COLUMN or GRANT does is to be seen.
UNION ALL
SELECT 'column', n.nspname, c.relname, a.attname, '', NULL, y.extension,
       json_build_object('altered', CASE WHEN x.added THEN 'ADD COLUMN' WHEN d.oid IS NOT NULL THEN 'DEFAULT' ELSE 'DROP NOT NULL' END)
  FROM young y
  JOIN pg_class c ON c.oid = y.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND age(d.xmin) < y.made AND d.oid > y.newest
 CROSS JOIN LATERAL (
      SELECT c.xmin = a.xmin AND age(a.xmin) < y.made
             AND a.attnum > (SELECT max(o.attnum) FROM pg_attribute o WHERE o.attrelid = c.oid AND age(o.xmin) >= y.made) AS added) x
 WHERE x.added
    OR d.oid IS NOT NULL
    OR age(a.xmin) < y.made
       AND c.relkind = 'r'
       AND NOT a.attnotnull
       AND a.attacl IS NULL
       -- 17.12 gives every column a version here.
       AND NOT EXISTS (SELECT FROM unnest(a.attoptions) o(option) WHERE NOT starts_with(o.option, 'pg_attver='))
       AND coalesce(a.attstattarget, -1) = -1
       AND a.attcompression = ''
       AND a.attstorage = (SELECT t.typstorage FROM pg_type t WHERE t.oid = a.atttypid)
