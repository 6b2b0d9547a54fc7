-- Which tables of dbctl's and refinery's are there, whether all their rows are seen, and the columns of the history: one row.
SELECT current_database()::text,
       to_regclass('dbctl.identity') IS NOT NULL,
       to_regclass('public.refinery_schema_history') IS NOT NULL,
       (SELECT string_agg(c.oid::regclass::text, ', ')
        FROM pg_class c
        WHERE c.oid IN (to_regclass('dbctl.identity'), to_regclass('public.refinery_schema_history'))
          AND (c.relkind <> 'r' OR row_security_active(c.oid))),
       to_regclass('dbctl.progress') IS NOT NULL,
       (SELECT string_agg(a.attname || ' ' || a.atttypid, ',' ORDER BY a.attnum)
        FROM pg_attribute a
        WHERE a.attrelid = to_regclass('public.refinery_schema_history') AND a.attnum > 0 AND NOT a.attisdropped)
