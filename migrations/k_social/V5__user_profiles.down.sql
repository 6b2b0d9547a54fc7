-- The profiles go with their table; the chain still has them.

DROP TABLE public.k_user_profiles;
