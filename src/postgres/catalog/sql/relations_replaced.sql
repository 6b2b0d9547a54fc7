        -- A view that somebody replaced: its rule is younger than the extension's script.
        OR m.scripted AND c.relkind = 'v' AND EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND age(r.xmin) < m.made)
        -- What ALTER TABLE did to one of the script's.
        OR m.scripted AND age(c.xmin) < m.made AND (c.relrowsecurity OR c.relforcerowsecurity OR c.relpersistence = 'u')
