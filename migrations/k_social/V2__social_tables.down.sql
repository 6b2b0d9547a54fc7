-- All that was indexed goes: posts, votes, follows and the log of transactions. The chain still has it, as far as nodes keep it.

DROP TABLE public.k_transactions;
DROP TABLE public.k_follows;
DROP TABLE public.k_votes;
DROP TABLE public.k_posts;
