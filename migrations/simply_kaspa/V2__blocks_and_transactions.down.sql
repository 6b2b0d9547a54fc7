-- All blocks, transactions and acceptances that were indexed go. The chain still has them, as far as nodes keep them.

DROP TABLE public.transactions_acceptances;
DROP TABLE public.transactions;
DROP TABLE public.blocks;
