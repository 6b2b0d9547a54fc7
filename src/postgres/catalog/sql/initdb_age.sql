-- To the queries that tell by age what was changed since initdb: the age of its last transaction, which made template0, where ages tell,
-- else NULL. They tell where the server has counted no more transactions than can be compared, and the databases were not filled by
-- pg_upgrade, which makes members of extensions one by one and writes every row of pg_database anew.
-- From plpgsql to template0 initdb needs 43 transactions (13 to 18); what is written later lies further off. So a row of initdb's that is
-- where it left it tells, be the others written since (REVOKE ... ON DATABASE template0); where it needed another number, all must agree.
WITH made AS MATERIALIZED (
    SELECT CASE WHEN pg_snapshot_xmax(pg_current_snapshot())::text::int8 >= 2147483648 THEN NULL
                WHEN l.age - w.template1 = 42 OR l.age - w.template0 = 43 OR l.age - w.postgres = 45 OR l.age - w.comment = 46 THEN l.age - 43
                WHEN l.age - w.template0 BETWEEN 0 AND 60 AND w.template1 - w.template0 = 1 AND w.template0 - w.postgres = 2
                     AND w.postgres - w.comment = 1 THEN w.template0 END AS age
      FROM (SELECT max(age(e.xmin)) AS age FROM pg_extension e WHERE e.extname = 'plpgsql' AND e.oid < 16384) l,
           (SELECT max(age(t.xmin)) FILTER (WHERE t.datname = 'template1') AS template1,
                   max(age(t.xmin)) FILTER (WHERE t.datname = 'template0') AS template0,
                   max(age(t.xmin)) FILTER (WHERE t.datname = 'postgres') AS postgres,
                   max((SELECT age(s.xmin) FROM pg_shdescription s WHERE s.classoid = 'pg_database'::regclass AND s.objoid = t.oid))
                       FILTER (WHERE t.datname = 'postgres') AS comment
              FROM pg_database t
             WHERE t.datname IN ('template1', 'template0', 'postgres')) w
)
