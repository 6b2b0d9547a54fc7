-- TimescaleDB has no way back from a hypertable: each table is made anew as a plain one, filled row for row and put in its place.
-- It takes as long as copying the five tables, and as much room again. What was added by hand (grants, triggers) is not copied, and a
-- view of a table's stops the script.

LOCK TABLE public.transaction_outputs IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.transaction_outputs_plain (LIKE public.transaction_outputs INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.transaction_outputs_plain SELECT * FROM public.transaction_outputs;
DROP TABLE public.transaction_outputs;
ALTER TABLE public.transaction_outputs_plain RENAME TO transaction_outputs;
ALTER TABLE public.transaction_outputs ADD CONSTRAINT transaction_outputs_pkey PRIMARY KEY (transaction_id, output_index, time);
COMMENT ON TABLE public.transaction_outputs IS
    'Outputs of transactions. What a transaction spent is found through its inputs, so that spending an output changes no index.';

LOCK TABLE public.transaction_inputs IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.transaction_inputs_plain (LIKE public.transaction_inputs INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.transaction_inputs_plain SELECT * FROM public.transaction_inputs;
DROP TABLE public.transaction_inputs;
ALTER TABLE public.transaction_inputs_plain RENAME TO transaction_inputs;
ALTER TABLE public.transaction_inputs ADD CONSTRAINT transaction_inputs_pkey PRIMARY KEY (transaction_id, input_index, time);
COMMENT ON TABLE public.transaction_inputs IS
    'Inputs of transactions; a coinbase transaction has none.';

LOCK TABLE public.transactions_acceptances IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.transactions_acceptances_plain (LIKE public.transactions_acceptances INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.transactions_acceptances_plain SELECT * FROM public.transactions_acceptances;
DROP TABLE public.transactions_acceptances;
ALTER TABLE public.transactions_acceptances_plain RENAME TO transactions_acceptances;
ALTER TABLE public.transactions_acceptances ADD CONSTRAINT transactions_acceptances_pkey PRIMARY KEY (transaction_id, block_hash, time);
COMMENT ON TABLE public.transactions_acceptances IS
    'Which chain block accepted which transaction. block_hash is part of the key: two blocks of the same millisecond may both accept a transaction while a reorganisation is under way, and neither row may swallow the other. The indexer deletes the rows of a block that leaves the chain.';

LOCK TABLE public.transactions IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.transactions_plain (LIKE public.transactions INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.transactions_plain SELECT * FROM public.transactions;
DROP TABLE public.transactions;
ALTER TABLE public.transactions_plain RENAME TO transactions;
ALTER TABLE public.transactions ADD CONSTRAINT transactions_pkey PRIMARY KEY (transaction_id, time);
COMMENT ON TABLE public.transactions IS
    'Transactions as blocks carry them. Parallel blocks may carry the same one: the indexer keeps the first it meets, and transactions_acceptances says which block made it count.';

LOCK TABLE public.blocks IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.blocks_plain (LIKE public.blocks INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.blocks_plain SELECT * FROM public.blocks;
DROP TABLE public.blocks;
ALTER TABLE public.blocks_plain RENAME TO blocks;
ALTER TABLE public.blocks ADD CONSTRAINT blocks_pkey PRIMARY KEY (hash, time);
COMMENT ON TABLE public.blocks IS
    'Block headers of the DAG, ten a second. Give time in a lookup wherever it is known: by hash alone every chunk is asked.';
