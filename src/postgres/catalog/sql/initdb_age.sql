-- To the queries that tell by age what was changed since initdb: the age of its last transaction, which made template0, where ages tell
-- (member_aged.sql), else NULL or no row.
WITH made AS MATERIALIZED (
    SELECT CASE WHEN pg_snapshot_xmax(pg_current_snapshot())::text::int8 < 2147483648 AND age(l.xmin) - age(t.xmin) BETWEEN 0 AND 60
                THEN age(t.xmin) END AS age
      FROM pg_database t, pg_extension l
     WHERE t.datname = 'template0'
       AND l.extname = 'plpgsql'
       AND l.oid < 16384
)
