-- Only lookups get slower: no data goes. Not CONCURRENTLY, which no transaction takes; each DROP waits for the table's readers.

DROP INDEX public.transaction_outputs_address_time_idx;
DROP INDEX public.transaction_inputs_address_time_idx;
DROP INDEX public.transaction_inputs_previous_outpoint_idx;
DROP INDEX public.transactions_acceptances_block_hash_idx;
DROP INDEX public.transactions_block_hash_idx;
DROP INDEX public.transactions_time_idx;
DROP INDEX public.blocks_parents_idx;
DROP INDEX public.blocks_blue_score_idx;
DROP INDEX public.blocks_time_idx;
