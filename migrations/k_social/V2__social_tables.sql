-- Posts, votes, follows and the log of all K transactions, still as plain tables (V3 makes them hypertables).
-- Their time is the chain's and has no default, so that indexing a transaction again meets the same primary key.

CREATE TABLE public.k_posts (
    id             bigint      GENERATED ALWAYS AS IDENTITY,
    time           timestamptz NOT NULL,
    transaction_id bytea       NOT NULL,
    author_address text        NOT NULL,
    content        text        NOT NULL,
    reply_to       bytea,
    block_time     timestamptz NOT NULL,
    block_hash     bytea       NOT NULL,
    likes_count    integer     NOT NULL DEFAULT 0,
    replies_count  integer     NOT NULL DEFAULT 0,
    shares_count   integer     NOT NULL DEFAULT 0,
    is_deleted     boolean     NOT NULL DEFAULT false,
    CONSTRAINT k_posts_pkey PRIMARY KEY (transaction_id, time),
    CONSTRAINT k_posts_time_check CHECK (time = block_time),
    CONSTRAINT k_posts_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT k_posts_author_address_check CHECK (author_address <> ''),
    CONSTRAINT k_posts_reply_to_check CHECK (octet_length(reply_to) = 32),
    CONSTRAINT k_posts_block_hash_check CHECK (octet_length(block_hash) = 32),
    CONSTRAINT k_posts_likes_count_check CHECK (likes_count >= 0),
    CONSTRAINT k_posts_replies_count_check CHECK (replies_count >= 0),
    CONSTRAINT k_posts_shares_count_check CHECK (shares_count >= 0)
);

COMMENT ON TABLE public.k_posts IS
    'Posts and replies, one row for each transaction that carries one.';
COMMENT ON COLUMN public.k_posts.id IS
    'Order of indexing, to break ties between posts of one block. Always drawn from the sequence: with no unique key of its own (it would need time) an id given by hand could repeat one.';
COMMENT ON COLUMN public.k_posts.time IS
    'Time of the block named by block_hash, as the chain gives it; partition column and part of the key. Never the time of indexing.';
COMMENT ON COLUMN public.k_posts.reply_to IS
    'transaction_id of the post that this one answers; null for a post of its own. The parent may lie in any chunk or not be indexed at all, so there is no foreign key.';
COMMENT ON COLUMN public.k_posts.block_time IS
    'Same instant as time, under the name that readers of blocks expect; the CHECK keeps an indexer from writing its own clock into time.';

CREATE TABLE public.k_votes (
    id             bigint      GENERATED ALWAYS AS IDENTITY,
    time           timestamptz NOT NULL,
    transaction_id bytea       NOT NULL,
    voter_address  text        NOT NULL,
    post_id        bytea       NOT NULL,
    vote_type      smallint    NOT NULL,
    block_time     timestamptz NOT NULL,
    block_hash     bytea       NOT NULL,
    CONSTRAINT k_votes_pkey PRIMARY KEY (transaction_id, time),
    CONSTRAINT k_votes_time_check CHECK (time = block_time),
    CONSTRAINT k_votes_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT k_votes_voter_address_check CHECK (voter_address <> ''),
    CONSTRAINT k_votes_post_id_check CHECK (octet_length(post_id) = 32),
    CONSTRAINT k_votes_vote_type_check CHECK (vote_type >= -1 AND vote_type <= 1),
    CONSTRAINT k_votes_block_hash_check CHECK (octet_length(block_hash) = 32)
);

COMMENT ON TABLE public.k_votes IS
    'Votes as the chain carries them, one row for each transaction. A voter may vote again: the newest row for voter_address and post_id counts.';
COMMENT ON COLUMN public.k_votes.id IS
    'Order of indexing, to break ties between votes of one block.';
COMMENT ON COLUMN public.k_votes.time IS
    'Time of the block named by block_hash, as the chain gives it; partition column and part of the key. Never the time of indexing.';
COMMENT ON COLUMN public.k_votes.post_id IS
    'transaction_id of the post voted on (not k_posts.id, which differs from one indexer to the next).';
COMMENT ON COLUMN public.k_votes.vote_type IS
    '1 up, -1 down, 0 neutral (takes an earlier vote back).';
COMMENT ON COLUMN public.k_votes.block_time IS
    'Same instant as time.';

CREATE TABLE public.k_follows (
    id                bigint      GENERATED ALWAYS AS IDENTITY,
    time              timestamptz NOT NULL,
    transaction_id    bytea       NOT NULL,
    follower_address  text        NOT NULL,
    following_address text        NOT NULL,
    is_active         boolean     NOT NULL DEFAULT true,
    block_time        timestamptz NOT NULL,
    block_hash        bytea       NOT NULL,
    CONSTRAINT k_follows_pkey PRIMARY KEY (transaction_id, time),
    CONSTRAINT k_follows_time_check CHECK (time = block_time),
    CONSTRAINT k_follows_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT k_follows_follower_address_check CHECK (follower_address <> ''),
    CONSTRAINT k_follows_following_address_check CHECK (following_address <> ''),
    CONSTRAINT k_follows_block_hash_check CHECK (octet_length(block_hash) = 32)
);

COMMENT ON TABLE public.k_follows IS
    'Follows and unfollows as the chain carries them, one row for each transaction. Following again or unfollowing is a later row: the newest row for follower_address and following_address counts.';
COMMENT ON COLUMN public.k_follows.id IS
    'Order of indexing, to break ties between follows of one block.';
COMMENT ON COLUMN public.k_follows.time IS
    'Time of the block named by block_hash, as the chain gives it; partition column and part of the key. Never the time of indexing.';
COMMENT ON COLUMN public.k_follows.is_active IS
    'What this transaction says: true follow, false unfollow. Later transactions do not change it.';
COMMENT ON COLUMN public.k_follows.block_time IS
    'Same instant as time.';

CREATE TABLE public.k_transactions (
    id               bigint      GENERATED ALWAYS AS IDENTITY,
    time             timestamptz NOT NULL,
    transaction_id   bytea       NOT NULL,
    block_hash       bytea       NOT NULL,
    block_time       timestamptz NOT NULL,
    sender_address   text        NOT NULL,
    transaction_type text        NOT NULL,
    data_payload     jsonb,
    status           text        NOT NULL DEFAULT 'pending',
    CONSTRAINT k_transactions_pkey PRIMARY KEY (transaction_id, time),
    CONSTRAINT k_transactions_time_check CHECK (time = block_time),
    CONSTRAINT k_transactions_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT k_transactions_block_hash_check CHECK (octet_length(block_hash) = 32),
    CONSTRAINT k_transactions_sender_address_check CHECK (sender_address <> ''),
    CONSTRAINT k_transactions_transaction_type_check CHECK (transaction_type ~ '^[a-z][a-z0-9_]*$'),
    CONSTRAINT k_transactions_status_check CHECK (status ~ '^[a-z][a-z0-9_]*$')
);

COMMENT ON TABLE public.k_transactions IS
    'Every transaction of the K protocol that was seen, whatever it carries; its post, vote, follow or profile is found by transaction_id and time.';
COMMENT ON COLUMN public.k_transactions.id IS
    'Order of indexing, to break ties between transactions of one block.';
COMMENT ON COLUMN public.k_transactions.time IS
    'Time of the block named by block_hash, as the chain gives it; partition column and part of the key. Never the time of indexing.';
COMMENT ON COLUMN public.k_transactions.block_time IS
    'Same instant as time.';
COMMENT ON COLUMN public.k_transactions.transaction_type IS
    'post, vote, profile, follow and what the protocol adds. The CHECK asks for a lower-case word, not for a list: a new kind must not stop the indexer.';
COMMENT ON COLUMN public.k_transactions.data_payload IS
    'Decoded payload; null where it is not JSON.';
COMMENT ON COLUMN public.k_transactions.status IS
    'How far the indexer has come with it; a lower-case word such as pending, processed, failed.';
