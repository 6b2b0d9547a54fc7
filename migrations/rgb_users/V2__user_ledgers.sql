-- What each user owns and did: transactions, channels, balances.
-- A null asset_id means bitcoin throughout. Amounts of an asset are in its smallest unit, those of bitcoin in satoshi.

CREATE TABLE public.ln_user_transactions (
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id    text        NOT NULL,
    txid       bytea,
    amount     bigint      NOT NULL,
    asset_id   text,
    status     text        NOT NULL DEFAULT 'pending',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ln_user_transactions_pkey PRIMARY KEY (id),
    CONSTRAINT ln_user_transactions_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT ln_user_transactions_txid_check CHECK (octet_length(txid) = 32),
    CONSTRAINT ln_user_transactions_asset_id_check CHECK (asset_id <> ''),
    CONSTRAINT ln_user_transactions_status_check CHECK (status ~ '^[a-z][a-z0-9_]*$')
);

COMMENT ON TABLE public.ln_user_transactions IS
    'What moved in and out of each user''s wallet.';
COMMENT ON COLUMN public.ln_user_transactions.txid IS
    'Bitcoin transaction, in the byte order in which it is printed; null until there is one. One transaction may serve several users and assets, so it is not unique.';
COMMENT ON COLUMN public.ln_user_transactions.amount IS
    'Satoshi, or the asset''s smallest unit; may be negative (money that left). Beyond a bigint it is refused, not rounded.';
COMMENT ON COLUMN public.ln_user_transactions.asset_id IS
    'RGB asset; null means bitcoin.';
COMMENT ON COLUMN public.ln_user_transactions.status IS
    'A lower-case word of the node''s, such as pending, confirmed, failed. The CHECK asks for no list: a new state must not stop the node.';

CREATE TABLE public.ln_user_channels (
    id            uuid   NOT NULL DEFAULT gen_random_uuid(),
    user_id       text   NOT NULL,
    channel_id    bytea  NOT NULL,
    peer_pubkey   bytea  NOT NULL,
    capacity_sats bigint NOT NULL,
    status        text   NOT NULL DEFAULT 'pending',
    CONSTRAINT ln_user_channels_pkey PRIMARY KEY (id),
    CONSTRAINT ln_user_channels_channel_id_key UNIQUE (channel_id),
    CONSTRAINT ln_user_channels_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT ln_user_channels_channel_id_check CHECK (octet_length(channel_id) = 32),
    CONSTRAINT ln_user_channels_peer_pubkey_check CHECK (octet_length(peer_pubkey) = 33),
    CONSTRAINT ln_user_channels_capacity_sats_check CHECK (capacity_sats >= 0),
    CONSTRAINT ln_user_channels_status_check CHECK (status ~ '^[a-z][a-z0-9_]*$')
);

COMMENT ON TABLE public.ln_user_channels IS
    'Lightning channels and the one user that each belongs to.';
COMMENT ON COLUMN public.ln_user_channels.peer_pubkey IS
    'Compressed public key of the other node, 33 bytes.';
COMMENT ON COLUMN public.ln_user_channels.capacity_sats IS
    'In satoshi.';
COMMENT ON COLUMN public.ln_user_channels.status IS
    'A lower-case word of the node''s, such as pending, open, closing, closed.';

-- One row for each user and asset, bitcoin included. UNIQUE NULLS NOT DISTINCT would need PostgreSQL 15;
-- a key column that is never null works from 14 on, is a primary key, and is one conflict target for both kinds of row.
CREATE TABLE public.ln_user_balances (
    user_id    text        NOT NULL,
    asset_id   text,
    balance    bigint      NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    asset_key  text        NOT NULL GENERATED ALWAYS AS (COALESCE(asset_id, '')) STORED,
    CONSTRAINT ln_user_balances_pkey PRIMARY KEY (user_id, asset_key),
    CONSTRAINT ln_user_balances_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT ln_user_balances_asset_id_check CHECK (asset_id <> ''),
    CONSTRAINT ln_user_balances_balance_check CHECK (balance >= 0)
);

COMMENT ON TABLE public.ln_user_balances IS
    'The balance of each user in each asset, bitcoin included. Write with ON CONFLICT (user_id, asset_key) DO UPDATE.';
COMMENT ON COLUMN public.ln_user_balances.asset_id IS
    'RGB asset; null means bitcoin.';
COMMENT ON COLUMN public.ln_user_balances.balance IS
    'Satoshi, or the asset''s smallest unit. Beyond a bigint it is refused, not rounded.';
COMMENT ON COLUMN public.ln_user_balances.updated_at IS
    'Set by the writer; no trigger does it.';
COMMENT ON COLUMN public.ln_user_balances.asset_key IS
    'asset_id, or the empty string for bitcoin, which no asset_id may be: the primary key cannot hold a null.';
