-- Only lookups get slower: no data goes. Not CONCURRENTLY, which no transaction takes; each DROP waits for the table's readers.

DROP INDEX public.virtual_transactions_to_user_id_created_at_idx;
DROP INDEX public.virtual_transactions_from_user_id_created_at_idx;
DROP INDEX public.virtual_payments_virtual_node_id_created_at_idx;
DROP INDEX public.virtual_payments_user_id_created_at_idx;
DROP INDEX public.virtual_channels_virtual_node_id_idx;
DROP INDEX public.virtual_channels_user_id_idx;
DROP INDEX public.ln_user_channels_user_id_idx;
DROP INDEX public.ln_user_transactions_txid_idx;
DROP INDEX public.ln_user_transactions_user_id_created_at_idx;
DROP INDEX public.ln_user_addresses_address_idx;
