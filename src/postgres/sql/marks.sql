-- Which tables of dbctl's and refinery's are there, and those of them that do not show all their rows: one row. By functions alone: a
-- fresh server process takes longer to plan its first look into pg_class than for all of this.
SELECT current_database()::text,
       t.identity IS NOT NULL,
       t.history IS NOT NULL,
       t.progress IS NOT NULL,
       nullif(concat_ws(', ',
           CASE WHEN row_security_active(t.identity) OR (pg_identify_object('pg_class'::regclass, t.identity, 0)).type <> 'table'
               THEN 'dbctl.identity' END,
           CASE WHEN row_security_active(t.history) OR (pg_identify_object('pg_class'::regclass, t.history, 0)).type <> 'table'
               THEN 'public.refinery_schema_history' END), '')
FROM (VALUES (
    to_regclass('dbctl.identity')::oid,
    to_regclass('public.refinery_schema_history')::oid,
    to_regclass('dbctl.progress')::oid
)) AS t (identity, history, progress)
