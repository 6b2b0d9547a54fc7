-- Chunks of six hours of chain time for the four append-mostly tables.
-- Rows are there only after a rollback to the version before; they are moved then, which locks the table meanwhile.
-- No default indexes: the primary keys are there and V4 adds those that a lookup needs.

SELECT public.create_hypertable('public.k_posts', public.by_range('time', INTERVAL '6 hours'), create_default_indexes => false, migrate_data => true);
SELECT public.create_hypertable('public.k_votes', public.by_range('time', INTERVAL '6 hours'), create_default_indexes => false, migrate_data => true);
SELECT public.create_hypertable('public.k_follows', public.by_range('time', INTERVAL '6 hours'), create_default_indexes => false, migrate_data => true);
SELECT public.create_hypertable('public.k_transactions', public.by_range('time', INTERVAL '6 hours'), create_default_indexes => false, migrate_data => true);
