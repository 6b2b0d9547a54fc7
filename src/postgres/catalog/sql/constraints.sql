-- Constraints of the relations $1. NOT NULL (contype n, PostgreSQL 18) is the column's; a constraint trigger (t) is a trigger;
-- what a partition or child inherits is its parent's, if there is one: a superuser can write that there is. pg_class can say that a table has
-- no checks, indexes or triggers, and an index can be no longer unique or valid: then nothing holds the constraint.
SELECT 'constraint' AS kind, n.nspname::text AS schema, c.relname::text AS parent, k.conname::text AS name, '' AS arguments,
       NULL::text AS owner, NULL::text AS extension,
       json_build_object(
           -- NOT VALID is a state of its own, so that it is told apart from another definition.
           'definition', CASE WHEN k.convalidated THEN pg_get_constraintdef(k.oid)
                              ELSE regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') END,
           'validated', CASE WHEN NOT k.convalidated
                               OR k.contype IN ('p', 'u', 'x')
                                  AND EXISTS (SELECT FROM pg_index x
                                               WHERE x.indexrelid = k.conindid
                                                 AND NOT (x.indisvalid AND x.indisready AND (x.indisunique OR x.indisexclusion))) THEN 'false' END,
           -- ALTER TABLE ... DISABLE TRIGGER ALL reaches the triggers that hold foreign keys as well.
           'enabled', CASE WHEN k.contype = 'c' AND c.relchecks = 0
                                OR k.contype IN ('p', 'u', 'x') AND NOT c.relhasindex
                                OR k.contype = 'f' AND c.relkind = 'r' AND NOT c.relhastriggers
                                   AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgrelid = c.oid) THEN 'disabled'
                           WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgisinternal AND t.tgenabled IN ('D', 'R'))
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
   AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.contype = k.contype)
   AND (k.conislocal OR k.coninhcount = 0 OR NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = k.conrelid))
