-- Constraints of the relations $1. NOT NULL (contype n, PostgreSQL 18) is the column's; a constraint trigger (t) is a trigger;
-- what a partition or child inherits is its parent's.
SELECT 'constraint' AS kind, n.nspname::text AS schema, c.relname::text AS parent, k.conname::text AS name, '' AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           -- NOT VALID is a state of its own, so that it is told apart from another definition.
           'definition', CASE WHEN k.convalidated THEN pg_get_constraintdef(k.oid)
                              ELSE regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') END,
           'validated', CASE WHEN NOT k.convalidated THEN 'false' END,
           -- ALTER TABLE … DISABLE TRIGGER ALL reaches the triggers that hold foreign keys as well.
           'enabled', CASE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgisinternal AND t.tgenabled IN ('D', 'R'))
                           THEN 'disabled'
                           ELSE (SELECT 'disabled on ' || string_agg(DISTINCT t.tgrelid::regclass::text, ', ')
                                   FROM pg_constraint p
                                   JOIN pg_trigger t ON t.tgconstraint = p.oid AND t.tgisinternal AND t.tgenabled IN ('D', 'R')
                                  WHERE k.contype = 'f' AND p.conparentid = k.oid) END
       ) AS attributes
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.conrelid = ANY ($1)
   AND k.contype IN ('c', 'f', 'p', 'u', 'x')
   AND k.conparentid = 0
   AND (k.conislocal OR k.coninhcount = 0)
