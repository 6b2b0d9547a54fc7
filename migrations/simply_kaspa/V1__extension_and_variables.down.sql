-- The indexer's state goes, and with it how far it has come: it begins anew.

-- The extension goes only if V1 made it, which shows in the transaction that made both it and the table: one that an image or an
-- administrator brought stays. It is asked before the table goes.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_extension AS e
          JOIN pg_catalog.pg_constraint AS c ON c.xmin = e.xmin
         WHERE e.extname = 'timescaledb' AND c.conname = 'vars_pkey' AND c.conrelid = 'public.vars'::regclass
    ) THEN
        DROP EXTENSION timescaledb;
    END IF;
END
$$;

DROP TABLE public.vars;
