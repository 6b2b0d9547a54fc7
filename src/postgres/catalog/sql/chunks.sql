-- Where single chunks are not as their hypertable (those among the relations $1), one row for each hypertable and deviation:
-- TimescaleDB lets DDL reach one chunk alone. There may be 10,000 chunks and more, so what all of them have is counted and summed
-- up in one pass over each catalog; names and definitions are compared only where a sum is odd.
hypertable AS MATERIALIZED (
    SELECT h.id, c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relrowsecurity, c.relpersistence,
           h.associated_schema_name, h.associated_table_prefix, h.num_dimensions,
           (SELECT a.oid FROM pg_namespace a WHERE a.nspname = h.associated_schema_name) AS home, h.associated_table_prefix || '_' AS begin
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN _timescaledb_catalog.hypertable h ON h.schema_name = n.nspname AND h.table_name = c.relname
     WHERE c.oid = ANY ($1)
       AND h.compression_state <> 2
),
chunk AS MATERIALIZED (
    SELECT k.id, k.oid, k.relnamespace, k.relname, h.oid AS hypertable, h.num_dimensions,
           k.relrowsecurity AND NOT h.relrowsecurity AS secured,
           CASE WHEN k.relpersistence <> h.relpersistence THEN k.relpersistence END AS persistence,
           k.relnamespace IS DISTINCT FROM h.home OR k.relname <> (h.begin || k.id::text || '_chunk')::name AS moved
      FROM known k
      JOIN hypertable h ON h.id = k.hypertable_id
     WHERE k.relkind = 'r'
),
{placed},
seed(seed) AS MATERIALIZED (SELECT hashtextextended(gen_random_uuid()::text, 0)),
-- What each hypertable has. Two relations with as many indexes over the same columns give the same sum.
model AS MATERIALIZED (
    SELECT h.oid, x.number, x.sum,
           (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = h.oid AND k.contype = 'f' AND k.conparentid = 0) AS keys,
           (SELECT sum(((hashoidextended(k.confrelid, (SELECT s.seed FROM seed s)) # hash_array_extended(k.confkey, (SELECT s.seed FROM seed s))) >> 32)) FROM pg_constraint k WHERE k.conrelid = h.oid AND k.contype = 'f' AND k.conparentid = 0) AS points,
           EXISTS (SELECT FROM pg_trigger t
                    WHERE t.tgrelid = h.oid AND NOT t.tgisinternal AND t.tgtype & 1 = 1
                      AND t.tgname NOT IN ('ts_insert_blocker', 'ts_cagg_invalidation_trigger')) AS triggered
      FROM hypertable h
      LEFT JOIN (SELECT x.indrelid, count(*) AS number,
                        sum({covers}) AS sum
                   FROM pg_index x
                  WHERE x.indrelid = ANY ($1)
                  GROUP BY x.indrelid) x ON x.indrelid = h.oid
),
-- The one pass over all chunks: those that may differ in something, which the parts below look at. The sums are no WITH queries, so that
-- the planner knows that there is one for each relation.
suspect AS MATERIALIZED (
    SELECT ch.*, n.nspname::text AS schema, ch.relname::text AS name,
           own.number IS DISTINCT FROM m.number OR own.sum IS DISTINCT FROM m.sum OR NOT own.valid AS uneven,
           coalesce(k.checks, 0) <> 0 OR coalesce(k.dimensions, 0) <> ch.num_dimensions OR coalesce(k.keys, 0) <> m.keys OR k.points IS DISTINCT FROM m.points AS unlike
      FROM chunk ch
      JOIN pg_namespace n ON n.oid = ch.relnamespace
      JOIN model m ON m.oid = ch.hypertable
      LEFT JOIN (SELECT x.indrelid, count(*) AS number, bool_and(x.indisvalid AND x.indisready) AS valid,
                        sum({covers}) AS sum
                   FROM pg_index x
                  GROUP BY x.indrelid) own ON own.indrelid = ch.oid
      -- A CHECK of the hypertable is inherited; constraint_N, the range of one dimension, is the chunk's own. PRIMARY KEY, UNIQUE and
      -- EXCLUDE are seen by their indexes.
      LEFT JOIN (SELECT k.conrelid,
                        count(*) FILTER (WHERE k.contype = 'c' AND k.coninhcount = 0 AND k.conname NOT LIKE 'constraint\_%') AS checks,
                        count(*) FILTER (WHERE k.contype = 'c' AND k.coninhcount = 0 AND k.conname LIKE 'constraint\_%') AS dimensions,
                        count(*) FILTER (WHERE k.contype = 'f') AS keys,
                        sum(((hashoidextended(k.confrelid, (SELECT s.seed FROM seed s)) # hash_array_extended(k.confkey, (SELECT s.seed FROM seed s))) >> 32)) FILTER (WHERE k.contype = 'f') AS points
                   FROM pg_constraint k
                  WHERE k.contype = 'f' AND k.conparentid = 0 OR k.contype = 'c' AND k.coninhcount = 0
                  GROUP BY k.conrelid) k ON k.conrelid = ch.oid
      LEFT JOIN (SELECT i.inhrelid, count(*) AS parents, min(i.inhparent) AS parent
                   FROM pg_inherits i
                  GROUP BY i.inhrelid) i ON i.inhrelid = ch.oid
     WHERE own.number IS DISTINCT FROM m.number OR own.sum IS DISTINCT FROM m.sum OR NOT own.valid
        OR coalesce(k.checks, 0) <> 0 OR coalesce(k.dimensions, 0) <> ch.num_dimensions OR coalesce(k.keys, 0) <> m.keys OR k.points IS DISTINCT FROM m.points
        OR i.parents IS DISTINCT FROM 1 OR i.parent IS DISTINCT FROM ch.hypertable
        OR ch.secured OR ch.persistence IS NOT NULL OR ch.moved OR m.triggered
        OR ch.oid IN (SELECT t.tgrelid FROM pg_trigger t WHERE NOT t.tgisinternal)
        OR ch.oid IN (SELECT r.ev_class FROM pg_rewrite r)
        OR ch.oid IN (SELECT p.polrelid FROM pg_policy p)
        OR ch.oid IN (SELECT DISTINCT c.inhparent FROM pg_inherits c)
),
uneven AS MATERIALIZED (SELECT * FROM suspect s WHERE s.uneven),
unlike AS MATERIALIZED (SELECT * FROM suspect s WHERE s.unlike),
written AS MATERIALIZED (
    SELECT x.indrelid, x.indexrelid, i.relname::text AS name, x.indisvalid AND x.indisready AS valid, x.indisunique,
           concat_ws(' ', x.indisunique, x.indnkeyatts, x.indoption, x.indclass,
               (SELECT string_agg(pg_get_indexdef(x.indexrelid, n, true), ', ' ORDER BY n) FROM generate_series(1, x.indnatts) n),
               pg_get_expr(x.indpred, x.indrelid)) AS definition
      FROM pg_index x
      JOIN pg_class i ON i.oid = x.indexrelid
     WHERE x.indrelid IN (SELECT oid FROM uneven UNION ALL SELECT hypertable FROM uneven)
),
deviation(id, schema, chunk, hypertable, kind, state, name, detail) AS (
    SELECT u.id, u.schema, u.name, u.hypertable, 'index', 'missing', w.name, NULL::text
      FROM uneven u
      JOIN written w ON w.indrelid = u.hypertable AND w.valid
     WHERE NOT EXISTS (SELECT FROM written o WHERE o.indrelid = u.oid AND o.definition = w.definition)
    UNION ALL
    SELECT u.id, u.schema, u.name, u.hypertable, 'index', CASE WHEN o.indisunique THEN 'extra' ELSE 'spare' END, o.name,
           (SELECT k.contype::text FROM pg_constraint k WHERE k.conindid = o.indexrelid AND k.conrelid = o.indrelid LIMIT 1)
      FROM uneven u
      JOIN written o ON o.indrelid = u.oid
     WHERE NOT EXISTS (SELECT FROM written w WHERE w.indrelid = u.hypertable AND w.definition = o.definition)
    UNION ALL
    SELECT u.id, u.schema, u.name, u.hypertable, 'index', 'invalid', o.name, NULL
      FROM uneven u
      JOIN written o ON o.indrelid = u.oid AND NOT o.valid
    UNION ALL
    -- TimescaleDB repeats a hypertable's row triggers on its chunks, its own ts_insert_blocker apart.
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'trigger', 'extra', t.tgname, p.proname
      FROM pg_trigger t
      JOIN suspect ch ON ch.oid = t.tgrelid
      JOIN pg_proc p ON p.oid = t.tgfoid
     WHERE NOT t.tgisinternal
       AND (t.tgname = 'ts_insert_blocker'
            OR NOT EXISTS (SELECT FROM pg_trigger h
                            WHERE h.tgrelid = ch.hypertable AND h.tgname = t.tgname AND h.tgfoid = t.tgfoid AND h.tgtype = t.tgtype
                              AND h.tgenabled = t.tgenabled AND h.tgargs = t.tgargs))
    UNION ALL
    -- The same one with another WHEN, other columns, or deferred. Columns may have other numbers in a chunk.
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'trigger', 'differs', t.tgname,
           replace(pg_get_triggerdef(h.oid), format(' ON %s ', h.tgrelid::regclass), format(' ON %s ', t.tgrelid::regclass))
      FROM pg_trigger t
      JOIN suspect ch ON ch.oid = t.tgrelid
      JOIN pg_trigger h ON h.tgrelid = ch.hypertable AND h.tgname = t.tgname
     WHERE NOT t.tgisinternal
       AND h.tgfoid = t.tgfoid AND h.tgtype = t.tgtype AND h.tgenabled = t.tgenabled AND h.tgargs = t.tgargs
       AND CASE WHEN t.tgqual IS NULL AND h.tgqual IS NULL AND t.tgattr = ''::int2vector AND h.tgattr = ''::int2vector
                THEN (t.tgdeferrable, t.tginitdeferred) <> (h.tgdeferrable, h.tginitdeferred)
                ELSE replace(pg_get_triggerdef(t.oid), format(' ON %s ', t.tgrelid::regclass), ' ON ')
                     <> replace(pg_get_triggerdef(h.oid), format(' ON %s ', h.tgrelid::regclass), ' ON ') END
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'trigger', 'missing', h.tgname, NULL
      FROM pg_trigger h
      JOIN suspect ch ON ch.hypertable = h.tgrelid
     WHERE NOT h.tgisinternal
       AND h.tgtype & 1 = 1
       AND h.tgoldtable IS NULL AND h.tgnewtable IS NULL
       AND h.tgname NOT IN ('ts_insert_blocker', 'ts_cagg_invalidation_trigger')
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ch.oid AND t.tgname = h.tgname)
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'rule', 'extra', r.rulename, NULL
      FROM pg_rewrite r
      JOIN suspect ch ON ch.oid = r.ev_class
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'policy', 'extra', p.polname, NULL
      FROM pg_policy p
      JOIN suspect ch ON ch.oid = p.polrelid
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'row_security', 'extra', '', NULL FROM suspect ch WHERE ch.secured
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'persistence', 'differs', CASE ch.persistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END, NULL
      FROM suspect ch
     WHERE ch.persistence IS NOT NULL
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'name', 'moved', '',
           format('%I.%I', h.associated_schema_name, h.associated_table_prefix || '_' || ch.id::text || '_chunk')
      FROM suspect ch
      JOIN hypertable h ON h.oid = ch.hypertable
     WHERE ch.moved
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'child', 'extra', format('%I.%I', n.nspname, c.relname), NULL
      FROM (SELECT i.inhrelid, k.* FROM pg_inherits i JOIN suspect k ON k.oid = i.inhparent OFFSET 0) ch
      JOIN pg_class c ON c.oid = ch.inhrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'parent', 'extra', format('%I.%I', n.nspname, c.relname), NULL
      FROM pg_inherits i
      JOIN suspect ch ON ch.oid = i.inhrelid AND ch.hypertable <> i.inhparent
      JOIN pg_class c ON c.oid = i.inhparent
      JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT ch.id, ch.schema, ch.name, ch.hypertable, 'parent', 'missing', '', NULL
      FROM suspect ch
     WHERE NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = ch.oid AND i.inhparent = ch.hypertable)
    UNION ALL
    SELECT u.id, u.schema, u.name, u.hypertable, 'constraint', 'extra', k.conname, pg_get_constraintdef(k.oid)
      FROM unlike u
      JOIN pg_constraint k ON k.conrelid = u.oid AND k.contype = 'c' AND k.coninhcount = 0
     WHERE NOT EXISTS (SELECT FROM _timescaledb_catalog.chunk_constraint d
                        WHERE d.chunk_id = u.id AND d.constraint_name = k.conname AND d.dimension_slice_id IS NOT NULL)
    UNION ALL
    SELECT u.id, u.schema, u.name, u.hypertable, 'constraint', 'missing', d.constraint_name, NULL
      FROM unlike u
      JOIN _timescaledb_catalog.chunk_constraint d ON d.chunk_id = u.id AND d.dimension_slice_id IS NOT NULL
     WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = u.oid AND k.conname = d.constraint_name AND k.contype = 'c')
    UNION ALL
    SELECT u.id, u.schema, u.name, u.hypertable, 'constraint', 'extra', k.conname, pg_get_constraintdef(k.oid)
      FROM unlike u
      JOIN pg_constraint k ON k.conrelid = u.oid AND k.contype = 'f' AND k.conparentid = 0
     WHERE NOT EXISTS (SELECT FROM pg_constraint h
                        WHERE h.conrelid = u.hypertable AND h.contype = 'f' AND h.confrelid = k.confrelid AND h.confkey = k.confkey)
    UNION ALL
    SELECT u.id, u.schema, u.name, u.hypertable, 'constraint', 'missing', h.conname, NULL
      FROM unlike u
      JOIN pg_constraint h ON h.conrelid = u.hypertable AND h.contype = 'f' AND h.conparentid = 0
     WHERE NOT EXISTS (SELECT FROM pg_constraint k
                        WHERE k.conrelid = u.oid AND k.contype = 'f' AND k.confrelid = h.confrelid AND k.confkey = h.confkey)
    UNION ALL
    SELECT ch.id, n.nspname, ch.relname, ch.hypertable, CASE p.relkind WHEN 'r' THEN 'tablespace' ELSE 'index_tablespace' END, 'spare', t.spcname, p.relname
      FROM placed p
      JOIN chunk ch ON ch.oid = p.chunk
      JOIN pg_namespace n ON n.oid = ch.relnamespace
      JOIN pg_tablespace t ON t.oid = p.reltablespace
     WHERE (ch.hypertable, p.reltablespace) NOT IN (SELECT s.hypertable, s.oid FROM space s)
),
-- The ends of an open range are the ends of bigint.
odd AS MATERIALIZED (
    SELECT h.oid AS hypertable, r.id, format_type(d.column_type, NULL) AS time_type, d.interval_length AS wanted,
           r.range_end - r.range_start AS length, r.range_start
      FROM _timescaledb_catalog.dimension d
      JOIN hypertable h ON h.id = d.hypertable_id
      JOIN _timescaledb_catalog.dimension_slice r ON r.dimension_id = d.id
     WHERE d.interval_length IS NOT NULL
       AND CASE WHEN r.range_start > -9223372036854775808 AND r.range_end < 9223372036854775807
                THEN r.range_end - r.range_start <> d.interval_length ELSE false END
)
SELECT h.schema, h.name AS hypertable, d.kind, d.state, d.name, (array_agg(d.detail ORDER BY d.id))[1] AS detail, count(DISTINCT d.id) AS chunks,
       (array_agg(d.schema ORDER BY d.id))[1] AS chunk_schema, (array_agg(d.chunk ORDER BY d.id))[1] AS chunk_name
  FROM deviation d
  JOIN hypertable h ON h.oid = d.hypertable
 GROUP BY h.schema, h.name, d.kind, d.state, d.name
UNION ALL
-- TimescaleDB before 2.31 keeps rows out of the hypertable itself by this trigger; a restore without
-- timescaledb_pre_restore() may lose it. $2 says whether this version has it.
SELECT h.schema, h.name, 'blocker', CASE t.tgenabled WHEN 'D' THEN 'disabled' ELSE 'missing' END, 'ts_insert_blocker', NULL, 0, h.schema, h.name
  FROM hypertable h
  LEFT JOIN pg_trigger t ON t.tgrelid = h.oid AND t.tgname = 'ts_insert_blocker'
 WHERE (t.oid IS NULL OR t.tgenabled = 'D')
   AND $2
UNION ALL
-- Chunks of another length than the hypertable's interval. A single shorter one was cut by its neighbours.
SELECT h.schema, h.name, 'length', CASE WHEN o.length > o.wanted THEN 'longer' ELSE 'shorter' END, o.length::text, o.time_type, count(*),
       min(n.nspname::text), (array_agg(ch.relname::text ORDER BY ch.id))[1]
  FROM odd o
  JOIN hypertable h ON h.oid = o.hypertable
  JOIN _timescaledb_catalog.chunk_constraint k ON k.dimension_slice_id = o.id
  JOIN chunk ch ON ch.id = k.chunk_id
  JOIN pg_namespace n ON n.oid = ch.relnamespace
 GROUP BY h.schema, h.name, o.length, o.wanted, o.time_type
HAVING o.length > o.wanted OR count(*) > 1 AND bool_and(o.range_start % o.length = 0)
 ORDER BY 1, 2, 3, 4, 5
