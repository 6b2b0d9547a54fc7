(((hash_array_extended(x.indkey::int2[], (SELECT s.seed FROM seed s)) # hash_array_extended(x.indoption::int2[], (SELECT s.seed + 1 FROM seed s))
               # hashoidvectorextended(x.indclass, (SELECT s.seed FROM seed s))) >> 32)
             # (x.indisunique::int + 2 * x.indisprimary::int + 4 * (x.indpred IS NULL)::int + 8 * x.indnkeyatts)::int8)
