-- After initdb_gone.sql, to system_moved.sql: the sum over initdb's relations, with those that are gone as if they were there: only what was
-- renamed makes another sum.
, kept(sum) AS MATERIALIZED (
    SELECT left(encode(sha256(convert_to(string_agg(concat_ws(' ', s.kind, s.name), ',' ORDER BY s.name, s.kind), 'UTF8')), 'hex'), 32)
      FROM (SELECT c.relkind, c.relname FROM pg_class c WHERE c.oid < 16384 AND c.relkind IN ('r', 'v')
            UNION ALL SELECT 'v', g.name FROM gone g WHERE g.kind = 'view') s(kind, name)
)
