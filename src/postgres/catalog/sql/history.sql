-- The rows of refinery's history table, each as JSON: whatever a hand made of its columns, nothing here fails on it.
SELECT to_jsonb(h)::text AS entry FROM public.refinery_schema_history h
