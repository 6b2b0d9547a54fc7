-- Blocks, transactions and acceptances, still as plain tables (V4 makes them hypertables).
-- Their time is the chain's and has no default, so that indexing a block again meets the same primary key.

CREATE TABLE public.blocks (
    hash                    bytea            NOT NULL,
    time                    timestamptz      NOT NULL,
    parents                 bytea[]          NOT NULL,
    previous_hash           bytea,
    merkle_root             bytea            NOT NULL,
    accepted_id_merkle_root bytea            NOT NULL,
    utxo_commitment         bytea            NOT NULL,
    "timestamp"             bigint           NOT NULL,
    bits                    bigint           NOT NULL,
    nonce                   numeric(20, 0)   NOT NULL,
    daa_score               bigint           NOT NULL,
    blue_score              bigint           NOT NULL,
    blue_work               numeric(58, 0)   NOT NULL,
    pruning_point           bytea            NOT NULL,
    difficulty              double precision NOT NULL,
    selected_parent_hash    bytea,
    transaction_count       integer          NOT NULL,
    is_chain_block          boolean          NOT NULL DEFAULT false,
    CONSTRAINT blocks_pkey PRIMARY KEY (hash, time),
    CONSTRAINT blocks_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT blocks_time_check CHECK (time = to_timestamp("timestamp"::double precision / 1000)),
    CONSTRAINT blocks_parents_check CHECK (array_position(parents, NULL::bytea) IS NULL),
    CONSTRAINT blocks_previous_hash_check CHECK (previous_hash = ANY (parents)),
    CONSTRAINT blocks_merkle_root_check CHECK (octet_length(merkle_root) = 32),
    CONSTRAINT blocks_accepted_id_merkle_root_check CHECK (octet_length(accepted_id_merkle_root) = 32),
    CONSTRAINT blocks_utxo_commitment_check CHECK (octet_length(utxo_commitment) = 32),
    CONSTRAINT blocks_timestamp_check CHECK ("timestamp" >= 0),
    CONSTRAINT blocks_bits_check CHECK (bits >= 0 AND bits <= 4294967295),
    CONSTRAINT blocks_nonce_check CHECK (nonce >= 0 AND nonce <= 18446744073709551615),
    CONSTRAINT blocks_daa_score_check CHECK (daa_score >= 0),
    CONSTRAINT blocks_blue_score_check CHECK (blue_score >= 0),
    CONSTRAINT blocks_blue_work_check CHECK (blue_work >= 0 AND blue_work <= 6277101735386680763835789423207666416102355444464034512895),
    CONSTRAINT blocks_pruning_point_check CHECK (octet_length(pruning_point) = 32),
    CONSTRAINT blocks_difficulty_check CHECK (difficulty >= 0),
    CONSTRAINT blocks_selected_parent_hash_check CHECK (octet_length(selected_parent_hash) = 32),
    CONSTRAINT blocks_transaction_count_check CHECK (transaction_count >= 0)
);

COMMENT ON TABLE public.blocks IS
    'Block headers of the DAG, ten a second. Give time in a lookup wherever it is known: by hash alone every chunk is asked.';
COMMENT ON COLUMN public.blocks.time IS
    'The same instant as "timestamp"; partition column and part of the key. The CHECK keeps an indexer from writing its own clock here, with which no block would ever be met twice.';
COMMENT ON COLUMN public.blocks.parents IS
    'Direct parents, in the order of the header; empty for the genesis block.';
COMMENT ON COLUMN public.blocks.previous_hash IS
    'One of parents, for readers that know a chain and not a DAG; null for the genesis block.';
COMMENT ON COLUMN public.blocks."timestamp" IS
    'Milliseconds since 1970-01-01 UTC, as the header has them.';
COMMENT ON COLUMN public.blocks.nonce IS
    '64 bits, unsigned: half of the values do not fit a bigint.';
COMMENT ON COLUMN public.blocks.blue_work IS
    '192 bits, unsigned, as a number so that it can be compared and summed.';
COMMENT ON COLUMN public.blocks.selected_parent_hash IS
    'The parent that GHOSTDAG selected; null for the genesis block.';
COMMENT ON COLUMN public.blocks.is_chain_block IS
    'Whether the block is on the selected chain now; changes with a reorganisation, and is in no index so that the change stays cheap.';

CREATE TABLE public.transactions (
    transaction_id     bytea          NOT NULL,
    time               timestamptz    NOT NULL,
    block_hash         bytea          NOT NULL,
    block_time         timestamptz    NOT NULL,
    version            integer        NOT NULL,
    lock_time          numeric(20, 0) NOT NULL,
    subnetwork_id      bytea          NOT NULL,
    gas                numeric(20, 0) NOT NULL,
    payload_hash       bytea,
    payload            bytea,
    input_count        integer        NOT NULL,
    output_count       integer        NOT NULL,
    total_input_value  bigint,
    total_output_value bigint         NOT NULL,
    fee                bigint,
    mass               bigint,
    CONSTRAINT transactions_pkey PRIMARY KEY (transaction_id, time),
    CONSTRAINT transactions_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT transactions_time_check CHECK (time = block_time),
    CONSTRAINT transactions_block_hash_check CHECK (octet_length(block_hash) = 32),
    CONSTRAINT transactions_version_check CHECK (version >= 0 AND version <= 65535),
    CONSTRAINT transactions_lock_time_check CHECK (lock_time >= 0 AND lock_time <= 18446744073709551615),
    CONSTRAINT transactions_subnetwork_id_check CHECK (octet_length(subnetwork_id) = 20),
    CONSTRAINT transactions_gas_check CHECK (gas >= 0 AND gas <= 18446744073709551615),
    CONSTRAINT transactions_payload_hash_check CHECK (octet_length(payload_hash) = 32),
    CONSTRAINT transactions_input_count_check CHECK (input_count >= 0),
    CONSTRAINT transactions_output_count_check CHECK (output_count >= 0),
    CONSTRAINT transactions_total_input_value_check CHECK (total_input_value >= 0),
    CONSTRAINT transactions_total_output_value_check CHECK (total_output_value >= 0),
    CONSTRAINT transactions_fee_check CHECK (fee >= 0),
    CONSTRAINT transactions_mass_check CHECK (mass >= 0)
);

COMMENT ON TABLE public.transactions IS
    'Transactions as blocks carry them. Parallel blocks may carry the same one: the indexer keeps the first it meets, and transactions_acceptances says which block made it count.';
COMMENT ON COLUMN public.transactions.time IS
    'Time of the block named by block_hash, as the chain gives it; partition column and part of the key. The transaction''s inputs and outputs bear the same time.';
COMMENT ON COLUMN public.transactions.block_hash IS
    'Block that carries the transaction (not the one that accepts it).';
COMMENT ON COLUMN public.transactions.block_time IS
    'Same instant as time; the CHECK keeps an indexer from writing its own clock into time.';
COMMENT ON COLUMN public.transactions.lock_time IS
    '64 bits, unsigned; a DAA score or milliseconds.';
COMMENT ON COLUMN public.transactions.gas IS
    '64 bits, unsigned.';
COMMENT ON COLUMN public.transactions.payload_hash IS
    'Null where the node does not give it.';
COMMENT ON COLUMN public.transactions.payload IS
    'Null where there is none, or the indexer was told to leave payloads out.';
COMMENT ON COLUMN public.transactions.total_input_value IS
    'In sompi; null while an output that is spent here is not known (older than the first block indexed).';
COMMENT ON COLUMN public.transactions.total_output_value IS
    'In sompi.';
COMMENT ON COLUMN public.transactions.fee IS
    'In sompi; null where total_input_value is, and for a coinbase transaction.';
COMMENT ON COLUMN public.transactions.mass IS
    'In grams, as the node gives it; the limit for a block keeps it far below a bigint. Null where the node does not give it.';

CREATE TABLE public.transactions_acceptances (
    transaction_id bytea       NOT NULL,
    block_hash     bytea       NOT NULL,
    time           timestamptz NOT NULL,
    CONSTRAINT transactions_acceptances_pkey PRIMARY KEY (transaction_id, block_hash, time),
    CONSTRAINT transactions_acceptances_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT transactions_acceptances_block_hash_check CHECK (octet_length(block_hash) = 32)
);

COMMENT ON TABLE public.transactions_acceptances IS
    'Which chain block accepted which transaction. block_hash is part of the key: two blocks of the same millisecond may both accept a transaction while a reorganisation is under way, and neither row may swallow the other. The indexer deletes the rows of a block that leaves the chain.';
COMMENT ON COLUMN public.transactions_acceptances.block_hash IS
    'Accepting chain block (not the one that carries the transaction).';
COMMENT ON COLUMN public.transactions_acceptances.time IS
    'Time of the accepting block, as the chain gives it; partition column and part of the key. Not the same as transactions.time.';
