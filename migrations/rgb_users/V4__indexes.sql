-- Indexes for the node's lookups; each foreign key has one that begins with it, so that deleting a wallet reads no whole table.
-- By id, channel, payment hash, user and asset the primary and unique keys answer.
-- dbctl:allow-file sets/unsafe-ddl the first release applies V1 to V4 together, and nobody uses the tables yet

-- Whose address is it?
CREATE INDEX ln_user_addresses_address_idx ON public.ln_user_addresses (address);

-- The newest transactions of a user, and everything that one Bitcoin transaction did.
CREATE INDEX ln_user_transactions_user_id_created_at_idx ON public.ln_user_transactions (user_id, created_at DESC);
CREATE INDEX ln_user_transactions_txid_idx ON public.ln_user_transactions (txid) WHERE txid IS NOT NULL;

-- The channels of a user.
CREATE INDEX ln_user_channels_user_id_idx ON public.ln_user_channels (user_id);
CREATE INDEX virtual_channels_user_id_idx ON public.virtual_channels (user_id);
CREATE INDEX virtual_channels_virtual_node_id_idx ON public.virtual_channels (virtual_node_id);

-- The newest payments of a user, and of a virtual node.
CREATE INDEX virtual_payments_user_id_created_at_idx ON public.virtual_payments (user_id, created_at DESC);
CREATE INDEX virtual_payments_virtual_node_id_created_at_idx ON public.virtual_payments (virtual_node_id, created_at DESC);

-- The newest transfers from and to a user.
CREATE INDEX virtual_transactions_from_user_id_created_at_idx ON public.virtual_transactions (from_user_id, created_at DESC);
CREATE INDEX virtual_transactions_to_user_id_created_at_idx ON public.virtual_transactions (to_user_id, created_at DESC);
