-- Only lookups get slower: no data goes. Not CONCURRENTLY, which no transaction takes; each DROP waits for the table's readers.

DROP INDEX public.k_transactions_block_hash_idx;
DROP INDEX public.k_transactions_sender_address_time_idx;
DROP INDEX public.k_transactions_time_id_idx;
DROP INDEX public.k_follows_following_follower_time_idx;
DROP INDEX public.k_follows_follower_following_time_idx;
DROP INDEX public.k_votes_voter_address_time_idx;
DROP INDEX public.k_votes_post_id_voter_time_idx;
DROP INDEX public.k_posts_reply_to_time_idx;
DROP INDEX public.k_posts_author_address_time_idx;
DROP INDEX public.k_posts_time_id_idx;
