-- The users of one RGB Lightning node: their wallets and the addresses handed out to them.
-- Plain PostgreSQL 14 or newer; nothing here needs an extension.

CREATE TABLE public.ln_user_wallets (
    user_id            text        NOT NULL,
    mnemonic_encrypted text        NOT NULL,
    derivation_path    text        NOT NULL,
    virtual_node_id    text        NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ln_user_wallets_pkey PRIMARY KEY (user_id),
    CONSTRAINT ln_user_wallets_virtual_node_id_key UNIQUE (virtual_node_id),
    CONSTRAINT ln_user_wallets_user_id_check CHECK (user_id <> ''),
    CONSTRAINT ln_user_wallets_mnemonic_encrypted_check CHECK (mnemonic_encrypted <> ''),
    CONSTRAINT ln_user_wallets_derivation_path_check CHECK (derivation_path <> ''),
    CONSTRAINT ln_user_wallets_virtual_node_id_check CHECK (virtual_node_id <> '')
);

COMMENT ON TABLE public.ln_user_wallets IS
    'One wallet for each user. A wallet that anything still refers to cannot be deleted.';
COMMENT ON COLUMN public.ln_user_wallets.mnemonic_encrypted IS
    'The seed words, encrypted by the node before they reach the database; never the words themselves.';
COMMENT ON COLUMN public.ln_user_wallets.virtual_node_id IS
    'The user''s node within the node; unique, or two users would see each other''s channels.';

CREATE TABLE public.ln_user_addresses (
    user_id    text        NOT NULL,
    address    text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ln_user_addresses_pkey PRIMARY KEY (user_id, address),
    CONSTRAINT ln_user_addresses_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES public.ln_user_wallets (user_id) ON DELETE RESTRICT,
    CONSTRAINT ln_user_addresses_address_check CHECK (address <> '')
);

COMMENT ON TABLE public.ln_user_addresses IS
    'Bitcoin addresses handed out to users. They outlive their use: money may reach an address years later.';
