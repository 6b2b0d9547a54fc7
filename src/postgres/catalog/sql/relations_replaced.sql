        -- A view that somebody replaced: its rule is younger than the extension's script.
        OR m.scripted AND c.relkind = 'v' AND EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND age(r.xmin) < m.made)
