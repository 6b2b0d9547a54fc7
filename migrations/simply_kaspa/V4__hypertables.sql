-- Chunks of chain time: 30 minutes of blocks (18,000 at ten a second), 15 minutes of what the blocks carry.
-- Rows are there only after a rollback to the version before; they are moved then, which locks the table meanwhile.
-- No default indexes: the primary keys are there and V5 adds those that a lookup needs.

SELECT public.create_hypertable('public.blocks', public.by_range('time', INTERVAL '30 minutes'), create_default_indexes => false, migrate_data => true);
SELECT public.create_hypertable('public.transactions', public.by_range('time', INTERVAL '15 minutes'), create_default_indexes => false, migrate_data => true);
SELECT public.create_hypertable('public.transactions_acceptances', public.by_range('time', INTERVAL '15 minutes'), create_default_indexes => false, migrate_data => true);
SELECT public.create_hypertable('public.transaction_inputs', public.by_range('time', INTERVAL '15 minutes'), create_default_indexes => false, migrate_data => true);
SELECT public.create_hypertable('public.transaction_outputs', public.by_range('time', INTERVAL '15 minutes'), create_default_indexes => false, migrate_data => true);
