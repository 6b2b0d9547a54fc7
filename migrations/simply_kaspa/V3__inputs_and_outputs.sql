-- Inputs and outputs of transactions, still as plain tables (V4 makes them hypertables).
-- They bear the time of their transaction, so that one transaction's rows lie in one chunk of each table.

CREATE TABLE public.transaction_inputs (
    transaction_id          bytea          NOT NULL,
    input_index             integer        NOT NULL,
    previous_outpoint_hash  bytea          NOT NULL,
    previous_outpoint_index bigint         NOT NULL,
    signature_script        bytea          NOT NULL,
    sequence                numeric(20, 0) NOT NULL,
    sig_op_count            smallint       NOT NULL,
    value                   bigint,
    address                 text,
    time                    timestamptz    NOT NULL,
    CONSTRAINT transaction_inputs_pkey PRIMARY KEY (transaction_id, input_index, time),
    CONSTRAINT transaction_inputs_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT transaction_inputs_input_index_check CHECK (input_index >= 0),
    CONSTRAINT transaction_inputs_previous_outpoint_hash_check CHECK (octet_length(previous_outpoint_hash) = 32),
    CONSTRAINT transaction_inputs_previous_outpoint_index_check CHECK (previous_outpoint_index >= 0 AND previous_outpoint_index <= 4294967295),
    CONSTRAINT transaction_inputs_sequence_check CHECK (sequence >= 0 AND sequence <= 18446744073709551615),
    CONSTRAINT transaction_inputs_sig_op_count_check CHECK (sig_op_count >= 0 AND sig_op_count <= 255),
    CONSTRAINT transaction_inputs_value_check CHECK (value >= 0),
    CONSTRAINT transaction_inputs_address_check CHECK (address <> '')
);

COMMENT ON TABLE public.transaction_inputs IS
    'Inputs of transactions; a coinbase transaction has none.';
COMMENT ON COLUMN public.transaction_inputs.previous_outpoint_hash IS
    'transaction_id of the output that is spent. It may lie in any chunk or not be indexed at all, so there is no foreign key.';
COMMENT ON COLUMN public.transaction_inputs.previous_outpoint_index IS
    'output_index of the output that is spent; 32 bits, unsigned.';
COMMENT ON COLUMN public.transaction_inputs.sequence IS
    '64 bits, unsigned, and often the highest: it does not fit a bigint.';
COMMENT ON COLUMN public.transaction_inputs.value IS
    'In sompi, taken from the output that is spent; null while that is not known.';
COMMENT ON COLUMN public.transaction_inputs.address IS
    'Taken from the output that is spent; null while that is not known, and for a script without an address.';
COMMENT ON COLUMN public.transaction_inputs.time IS
    'The time of the transaction (transactions.time); partition column and part of the key.';

CREATE TABLE public.transaction_outputs (
    transaction_id          bytea       NOT NULL,
    output_index            integer     NOT NULL,
    value                   bigint      NOT NULL,
    script_public_key       bytea       NOT NULL,
    address                 text,
    is_spent                boolean     NOT NULL DEFAULT false,
    spent_by_transaction_id bytea,
    time                    timestamptz NOT NULL,
    CONSTRAINT transaction_outputs_pkey PRIMARY KEY (transaction_id, output_index, time),
    CONSTRAINT transaction_outputs_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT transaction_outputs_output_index_check CHECK (output_index >= 0),
    CONSTRAINT transaction_outputs_value_check CHECK (value >= 0),
    CONSTRAINT transaction_outputs_address_check CHECK (address <> ''),
    CONSTRAINT transaction_outputs_spent_by_transaction_id_check CHECK (octet_length(spent_by_transaction_id) = 32),
    CONSTRAINT transaction_outputs_is_spent_check CHECK (is_spent OR spent_by_transaction_id IS NULL)
);

COMMENT ON TABLE public.transaction_outputs IS
    'Outputs of transactions. What a transaction spent is found through its inputs, so that spending an output changes no index.';
COMMENT ON COLUMN public.transaction_outputs.value IS
    'In sompi; the whole supply fits a bigint.';
COMMENT ON COLUMN public.transaction_outputs.address IS
    'Null for a script without an address.';
COMMENT ON COLUMN public.transaction_outputs.spent_by_transaction_id IS
    'The spending transaction; null while unspent, or where the spender is not known.';
COMMENT ON COLUMN public.transaction_outputs.time IS
    'The time of the transaction (transactions.time), not of its spending; partition column and part of the key.';
