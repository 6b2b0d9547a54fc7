-- The lock table (PostgreSQL, NLOCKENTS: max_locks_per_transaction for each process and prepared transaction) and what may be locked.
SELECT pg_catalog.current_setting('max_locks_per_transaction')::int8,
       (SELECT sum(setting::int8) FROM pg_catalog.pg_settings WHERE name IN ('max_connections', 'max_prepared_transactions',
           'autovacuum_max_workers', 'max_worker_processes', 'max_wal_senders'))::int8,
       (SELECT count(*) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'm', 'i', 'I', 't') AND oid >= 16384),
       (SELECT count(*) FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'i')
           AND (EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid)
                OR EXISTS (SELECT FROM pg_catalog.pg_index x JOIN pg_catalog.pg_inherits h ON h.inhrelid = x.indrelid WHERE x.indexrelid = c.oid)))
