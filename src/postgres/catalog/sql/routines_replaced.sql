        -- CREATE OR REPLACE writes what the function depends on anew; GRANT and ALTER do not. What runs the extension's own library is as
        -- it was, or as good.
        OR m.scripted AND age(p.xmin) < m.made
           AND EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'n' AND age(d.xmin) < m.made)
           AND NOT EXISTS (SELECT FROM member o
                             JOIN pg_proc q ON q.oid = o.objid
                            WHERE o.classid = 'pg_proc'::regclass AND o.extension = m.extension AND q.probin = p.probin
                              AND age(q.xmin) >= m.made)
