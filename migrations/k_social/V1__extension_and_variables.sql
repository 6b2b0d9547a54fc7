-- The TimescaleDB extension, and the indexer's key/value state with its first rows.
-- The extension is trusted (the database's owner may create it); the images bring it in template1, where this is a notice.

CREATE EXTENSION IF NOT EXISTS timescaledb WITH SCHEMA public;

CREATE TABLE public.k_vars (
    key        text        NOT NULL,
    value      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT k_vars_pkey PRIMARY KEY (key),
    CONSTRAINT k_vars_key_check CHECK (key <> '')
);

COMMENT ON TABLE public.k_vars IS
    'State of k-indexer, one row a key. Stays a plain table: a hypertable cannot keep the key unique without its time column.';
COMMENT ON COLUMN public.k_vars.updated_at IS
    'Set by the writer together with value; no trigger does it.';

CREATE TABLE public.vars (
    key        text        NOT NULL,
    value      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT vars_pkey PRIMARY KEY (key),
    CONSTRAINT vars_key_check CHECK (key <> '')
);

COMMENT ON TABLE public.vars IS
    'Copy of k_vars for older releases of k-indexer that read this name. Not the vars of simply-kaspa-indexer, which lives in its own database.';
COMMENT ON COLUMN public.vars.updated_at IS
    'Set by the writer together with value; no trigger does it.';

-- First values only: what an indexer has written since is never overwritten.
INSERT INTO public.k_vars (key, value)
VALUES
    ('network', 'mainnet'),
    ('version', '1.0.0'),
    ('indexer_mode', 'full'),
    ('last_processed_block', '0'),
    ('sync_status', 'starting')
ON CONFLICT (key) DO NOTHING;

INSERT INTO public.vars (key, value)
VALUES
    ('network', 'mainnet'),
    ('version', '1.0.0'),
    ('indexer_mode', 'full'),
    ('last_processed_block', '0'),
    ('sync_status', 'starting')
ON CONFLICT (key) DO NOTHING;
