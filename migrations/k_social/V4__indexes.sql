-- Indexes for the indexer's lookups; each one exists once in every chunk, so there is one for each question and no more.
-- By transaction_id the primary keys answer.
-- dbctl:allow-file sets/unsafe-ddl the first release applies V1 to V5 together, and nobody uses the tables yet

-- The newest posts, page by page: id breaks the tie between posts of one block.
CREATE INDEX k_posts_time_id_idx ON public.k_posts (time DESC, id DESC);
-- The newest posts of an author.
CREATE INDEX k_posts_author_address_time_idx ON public.k_posts (author_address, time DESC);
-- The replies to a post.
CREATE INDEX k_posts_reply_to_time_idx ON public.k_posts (reply_to, time DESC) WHERE reply_to IS NOT NULL;

-- The votes of a post, and within them the newest of each voter.
CREATE INDEX k_votes_post_id_voter_time_idx ON public.k_votes (post_id, voter_address, time DESC);
-- The newest votes of a voter.
CREATE INDEX k_votes_voter_address_time_idx ON public.k_votes (voter_address, time DESC);

-- Whom an address follows, and who follows it; in both the newest row of each pair comes first.
CREATE INDEX k_follows_follower_following_time_idx ON public.k_follows (follower_address, following_address, time DESC);
CREATE INDEX k_follows_following_follower_time_idx ON public.k_follows (following_address, follower_address, time DESC);

-- The newest transactions, page by page.
CREATE INDEX k_transactions_time_id_idx ON public.k_transactions (time DESC, id DESC);
-- The newest transactions of a sender.
CREATE INDEX k_transactions_sender_address_time_idx ON public.k_transactions (sender_address, time DESC);
-- What a block brought: to undo a block that left the chain. Posts, votes and follows are then found by their primary keys.
CREATE INDEX k_transactions_block_hash_idx ON public.k_transactions (block_hash);
