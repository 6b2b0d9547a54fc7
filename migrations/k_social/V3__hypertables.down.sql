-- TimescaleDB has no way back from a hypertable: each table is made anew as a plain one, filled row for row and put in its place.
-- It takes as long as copying the four tables, and as much room again. What was added by hand (grants, triggers) is not copied, and a
-- view of a table's stops the script.

LOCK TABLE public.k_transactions IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.k_transactions_plain (LIKE public.k_transactions INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.k_transactions_plain OVERRIDING SYSTEM VALUE SELECT * FROM public.k_transactions;
SELECT setval('public.k_transactions_plain_id_seq', last_value, is_called) FROM public.k_transactions_id_seq;
DROP TABLE public.k_transactions;
ALTER TABLE public.k_transactions_plain RENAME TO k_transactions;
ALTER SEQUENCE public.k_transactions_plain_id_seq RENAME TO k_transactions_id_seq;
ALTER TABLE public.k_transactions ADD CONSTRAINT k_transactions_pkey PRIMARY KEY (transaction_id, time);
COMMENT ON TABLE public.k_transactions IS
    'Every transaction of the K protocol that was seen, whatever it carries; its post, vote, follow or profile is found by transaction_id and time.';

LOCK TABLE public.k_follows IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.k_follows_plain (LIKE public.k_follows INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.k_follows_plain OVERRIDING SYSTEM VALUE SELECT * FROM public.k_follows;
SELECT setval('public.k_follows_plain_id_seq', last_value, is_called) FROM public.k_follows_id_seq;
DROP TABLE public.k_follows;
ALTER TABLE public.k_follows_plain RENAME TO k_follows;
ALTER SEQUENCE public.k_follows_plain_id_seq RENAME TO k_follows_id_seq;
ALTER TABLE public.k_follows ADD CONSTRAINT k_follows_pkey PRIMARY KEY (transaction_id, time);
COMMENT ON TABLE public.k_follows IS
    'Follows and unfollows as the chain carries them, one row for each transaction. Following again or unfollowing is a later row: the newest row for follower_address and following_address counts.';

LOCK TABLE public.k_votes IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.k_votes_plain (LIKE public.k_votes INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.k_votes_plain OVERRIDING SYSTEM VALUE SELECT * FROM public.k_votes;
SELECT setval('public.k_votes_plain_id_seq', last_value, is_called) FROM public.k_votes_id_seq;
DROP TABLE public.k_votes;
ALTER TABLE public.k_votes_plain RENAME TO k_votes;
ALTER SEQUENCE public.k_votes_plain_id_seq RENAME TO k_votes_id_seq;
ALTER TABLE public.k_votes ADD CONSTRAINT k_votes_pkey PRIMARY KEY (transaction_id, time);
COMMENT ON TABLE public.k_votes IS
    'Votes as the chain carries them, one row for each transaction. A voter may vote again: the newest row for voter_address and post_id counts.';

LOCK TABLE public.k_posts IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.k_posts_plain (LIKE public.k_posts INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO public.k_posts_plain OVERRIDING SYSTEM VALUE SELECT * FROM public.k_posts;
SELECT setval('public.k_posts_plain_id_seq', last_value, is_called) FROM public.k_posts_id_seq;
DROP TABLE public.k_posts;
ALTER TABLE public.k_posts_plain RENAME TO k_posts;
ALTER SEQUENCE public.k_posts_plain_id_seq RENAME TO k_posts_id_seq;
ALTER TABLE public.k_posts ADD CONSTRAINT k_posts_pkey PRIMARY KEY (transaction_id, time);
COMMENT ON TABLE public.k_posts IS
    'Posts and replies, one row for each transaction that carries one.';
