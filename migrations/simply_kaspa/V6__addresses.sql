-- Totals for each address, added so that a balance need not be summed over every chunk.
-- A plain table: one row for each address, rewritten in place, not appended in time.

CREATE TABLE public.addresses (
    address           text           NOT NULL,
    balance           bigint         NOT NULL DEFAULT 0,
    transaction_count bigint         NOT NULL DEFAULT 0,
    first_seen_at     timestamptz    NOT NULL,
    last_seen_at      timestamptz    NOT NULL,
    total_received    numeric(38, 0) NOT NULL DEFAULT 0,
    total_sent        numeric(38, 0) NOT NULL DEFAULT 0,
    utxo_count        bigint         NOT NULL DEFAULT 0,
    created_at        timestamptz    NOT NULL DEFAULT now(),
    updated_at        timestamptz    NOT NULL DEFAULT now(),
    CONSTRAINT addresses_pkey PRIMARY KEY (address),
    CONSTRAINT addresses_address_check CHECK (address <> ''),
    CONSTRAINT addresses_balance_check CHECK (balance >= 0),
    CONSTRAINT addresses_transaction_count_check CHECK (transaction_count >= 0),
    CONSTRAINT addresses_seen_check CHECK (first_seen_at <= last_seen_at),
    CONSTRAINT addresses_total_received_check CHECK (total_received >= 0),
    CONSTRAINT addresses_total_sent_check CHECK (total_sent >= 0),
    CONSTRAINT addresses_utxo_count_check CHECK (utxo_count >= 0)
)
-- Rows are updated far more often than added. With room left in the page and no index on what changes,
-- an update stays in its page and touches no index (HOT): hence no index on balance either.
WITH (fillfactor = 90);

COMMENT ON TABLE public.addresses IS
    'Running totals of each address. A plain table: a hypertable could not keep address unique. Nothing but the address is indexed, so that updates stay within their page.';
COMMENT ON COLUMN public.addresses.balance IS
    'In sompi; the whole supply fits a bigint.';
COMMENT ON COLUMN public.addresses.first_seen_at IS
    'Chain time of the first transaction.';
COMMENT ON COLUMN public.addresses.last_seen_at IS
    'Chain time of the latest transaction.';
COMMENT ON COLUMN public.addresses.total_received IS
    'In sompi, change to itself included: over the years of a busy address more than a bigint holds.';
COMMENT ON COLUMN public.addresses.total_sent IS
    'In sompi, change to itself included: over the years of a busy address more than a bigint holds.';
COMMENT ON COLUMN public.addresses.created_at IS
    'When the row was first written, by the server''s clock.';
COMMENT ON COLUMN public.addresses.updated_at IS
    'Set by the writer; no trigger does it.';
