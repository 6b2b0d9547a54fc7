-- All inputs and outputs that were indexed go. The chain still has them, as far as nodes keep them.

DROP TABLE public.transaction_outputs;
DROP TABLE public.transaction_inputs;
