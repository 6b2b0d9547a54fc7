-- Balances, channels and transactions of the users go: nothing else knows whose they are. Make a backup first.

DROP TABLE public.ln_user_balances;
DROP TABLE public.ln_user_channels;
DROP TABLE public.ln_user_transactions;
