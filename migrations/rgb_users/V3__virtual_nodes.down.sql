-- Which channel and which payment is whose goes, and the transfers among users: nothing else knows them. Make a backup first.

DROP TABLE public.virtual_transactions;
DROP TABLE public.virtual_payments;
DROP TABLE public.virtual_channels;
