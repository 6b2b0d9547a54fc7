-- Indexes for the indexer's lookups; each one exists once in every chunk, so there is one for each question and no more.
-- By hash the primary keys answer: of a block, of a transaction, of an acceptance, of an output's outpoint.
-- dbctl:allow-file sets/unsafe-ddl the first release applies V1 to V6 together, and nobody uses the tables yet

-- The newest blocks.
CREATE INDEX blocks_time_idx ON public.blocks (time DESC);
-- Confirmations, and the blocks from a score on.
CREATE INDEX blocks_blue_score_idx ON public.blocks (blue_score);
-- The children of a block: parents @> ARRAY[hash].
CREATE INDEX blocks_parents_idx ON public.blocks USING gin (parents);

-- The newest transactions.
CREATE INDEX transactions_time_idx ON public.transactions (time DESC);
-- The transactions that a block carries.
CREATE INDEX transactions_block_hash_idx ON public.transactions (block_hash);

-- The transactions that a block accepted; to undo a block that left the chain.
CREATE INDEX transactions_acceptances_block_hash_idx ON public.transactions_acceptances (block_hash);

-- The input that spends an output.
CREATE INDEX transaction_inputs_previous_outpoint_idx ON public.transaction_inputs (previous_outpoint_hash, previous_outpoint_index);
-- What an address spent, newest first.
CREATE INDEX transaction_inputs_address_time_idx ON public.transaction_inputs (address, time DESC) WHERE address IS NOT NULL;

-- What an address received, newest first.
CREATE INDEX transaction_outputs_address_time_idx ON public.transaction_outputs (address, time DESC) WHERE address IS NOT NULL;
