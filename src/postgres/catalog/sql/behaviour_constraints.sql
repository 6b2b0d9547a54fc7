-- A constraint that somebody put on an extension's relation acts as well, by the functions in its expression. An index is not asked about:
-- REINDEX … CONCURRENTLY makes a new one.
UNION ALL
SELECT 'constraint', n.nspname, c.relname, k.conname, '', NULL, NULL, json_build_object('definition', pg_get_constraintdef(k.oid))
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
   AND {constraint}
