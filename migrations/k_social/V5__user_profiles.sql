-- User profiles, added once posts and follows had their place.
-- A plain table: one row for each address, rewritten in place, not appended in time.

CREATE TABLE public.k_user_profiles (
    address         text        NOT NULL,
    username        text,
    display_name    text,
    bio             text,
    avatar_hash     bytea,
    banner_hash     bytea,
    followers_count integer     NOT NULL DEFAULT 0,
    following_count integer     NOT NULL DEFAULT 0,
    posts_count     integer     NOT NULL DEFAULT 0,
    is_verified     boolean     NOT NULL DEFAULT false,
    transaction_id  bytea,
    block_time      timestamptz,
    block_hash      bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT k_user_profiles_pkey PRIMARY KEY (address),
    CONSTRAINT k_user_profiles_address_check CHECK (address <> ''),
    CONSTRAINT k_user_profiles_username_check CHECK (username <> ''),
    CONSTRAINT k_user_profiles_followers_count_check CHECK (followers_count >= 0),
    CONSTRAINT k_user_profiles_following_count_check CHECK (following_count >= 0),
    CONSTRAINT k_user_profiles_posts_count_check CHECK (posts_count >= 0),
    CONSTRAINT k_user_profiles_transaction_id_check CHECK (octet_length(transaction_id) = 32),
    CONSTRAINT k_user_profiles_block_hash_check CHECK (octet_length(block_hash) = 32)
);

COMMENT ON TABLE public.k_user_profiles IS
    'The current profile of each address. A plain table: a hypertable could not keep address unique.';
COMMENT ON COLUMN public.k_user_profiles.username IS
    'As the user chose it; the chain does not make it unique, so neither does this table.';
COMMENT ON COLUMN public.k_user_profiles.avatar_hash IS
    'Digest of the picture; the protocol fixes neither the digest nor its length.';
COMMENT ON COLUMN public.k_user_profiles.banner_hash IS
    'Digest of the picture; the protocol fixes neither the digest nor its length.';
COMMENT ON COLUMN public.k_user_profiles.transaction_id IS
    'Transaction that last set the profile; null for an address that has been seen but never published one.';
COMMENT ON COLUMN public.k_user_profiles.block_time IS
    'Chain time of that transaction: an older one, indexed late, must not overwrite a newer profile.';
COMMENT ON COLUMN public.k_user_profiles.created_at IS
    'When the row was first written, by the server''s clock.';
COMMENT ON COLUMN public.k_user_profiles.updated_at IS
    'Set by the writer; no trigger does it.';

-- The profiles of a name, whatever its case.
CREATE INDEX k_user_profiles_lower_username_idx ON public.k_user_profiles (lower(username)) WHERE username IS NOT NULL;
