-- The totals go with their table; they can be summed again from inputs and outputs, as far as these are indexed.

DROP TABLE public.addresses;
