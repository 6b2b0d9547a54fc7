-- The wallets go, and with them the encrypted seed words of every user: nothing else has them. Make a backup first.

DROP TABLE public.ln_user_addresses;
DROP TABLE public.ln_user_wallets;
