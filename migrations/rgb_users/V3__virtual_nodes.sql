-- The virtual nodes that share the real one: which channel and which payment is whose, and transfers among them.
-- The node looks these up by channel and payment hash while a payment is on its way, hence their primary keys.

CREATE TABLE public.virtual_channels (
    channel_id      bytea       NOT NULL,
    virtual_node_id text        NOT NULL,
    user_id         text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT virtual_channels_pkey PRIMARY KEY (channel_id),
    CONSTRAINT virtual_channels_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT virtual_channels_channel_id_check CHECK (octet_length(channel_id) = 32),
    CONSTRAINT virtual_channels_virtual_node_id_check CHECK (virtual_node_id <> '')
);

COMMENT ON TABLE public.virtual_channels IS
    'Which virtual node a channel belongs to. No foreign key to ln_user_channels: neither row has to be written first.';

CREATE TABLE public.virtual_payments (
    payment_hash    bytea       NOT NULL,
    virtual_node_id text        NOT NULL,
    user_id         text        NOT NULL,
    inbound         boolean     NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT virtual_payments_pkey PRIMARY KEY (payment_hash),
    CONSTRAINT virtual_payments_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT virtual_payments_payment_hash_check CHECK (octet_length(payment_hash) = 32),
    CONSTRAINT virtual_payments_virtual_node_id_check CHECK (virtual_node_id <> '')
);

COMMENT ON TABLE public.virtual_payments IS
    'Which virtual node a Lightning payment belongs to. Transfers between two virtual nodes are in virtual_transactions.';
COMMENT ON COLUMN public.virtual_payments.inbound IS
    'True: received by the user; false: sent.';

CREATE TABLE public.virtual_transactions (
    id                   bigint      GENERATED ALWAYS AS IDENTITY,
    transaction_id       text        NOT NULL,
    from_virtual_node_id text        NOT NULL,
    to_virtual_node_id   text        NOT NULL,
    from_user_id         text        NOT NULL,
    to_user_id           text        NOT NULL,
    amount_sats          bigint      NOT NULL,
    asset_id             text,
    status               text        NOT NULL DEFAULT 'pending',
    created_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT virtual_transactions_pkey PRIMARY KEY (id),
    CONSTRAINT virtual_transactions_transaction_id_key UNIQUE (transaction_id),
    CONSTRAINT virtual_transactions_from_user_id_fkey FOREIGN KEY (from_user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT virtual_transactions_to_user_id_fkey FOREIGN KEY (to_user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT virtual_transactions_transaction_id_check CHECK (transaction_id <> ''),
    CONSTRAINT virtual_transactions_from_virtual_node_id_check CHECK (from_virtual_node_id <> ''),
    CONSTRAINT virtual_transactions_to_virtual_node_id_check CHECK (to_virtual_node_id <> ''),
    CONSTRAINT virtual_transactions_amount_sats_check CHECK (amount_sats >= 0),
    CONSTRAINT virtual_transactions_asset_id_check CHECK (asset_id <> ''),
    CONSTRAINT virtual_transactions_status_check CHECK (status ~ '^[a-z][a-z0-9_]*$')
);

COMMENT ON TABLE public.virtual_transactions IS
    'Transfers between two users of this node, which touch neither the chain nor a channel.';
COMMENT ON COLUMN public.virtual_transactions.transaction_id IS
    'Given by the node, not by a chain; unique, so that a repeated request moves the money once.';
COMMENT ON COLUMN public.virtual_transactions.amount_sats IS
    'Satoshi; for an asset its smallest unit.';
COMMENT ON COLUMN public.virtual_transactions.asset_id IS
    'RGB asset; null means bitcoin.';
COMMENT ON COLUMN public.virtual_transactions.status IS
    'A lower-case word of the node''s, such as pending, completed, failed.';
