-- Where single chunks are not as their hypertable, or their privileges not as its: whether there is anything to tell, for chunks.sql and
-- privileges/chunks.sql. One pass over each catalog that chunks fill, which names nobody: what all chunks of a hypertable have is counted
-- and its hashes are summed up, and both must be what as many equal chunks give. The hashes begin with a number that nobody can know before
-- (`seed`), so that no names can be chosen to give the sum of others. What is odd here may be in order there; what is even, is.
WITH seed(seed) AS MATERIALIZED (SELECT hashtextextended(gen_random_uuid()::text, 0)),
hypertable AS MATERIALIZED (
    SELECT h.id, c.oid, c.relrowsecurity, c.relpersistence, h.num_dimensions, h.associated_table_prefix || '_' AS begin,
           (SELECT a.oid FROM pg_namespace a WHERE a.nspname = h.associated_schema_name) AS home
      FROM _timescaledb_catalog.hypertable h
      JOIN pg_namespace n ON n.nspname = h.schema_name
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
     WHERE c.oid = ANY ($1)
       AND h.compression_state <> 2
),
-- Not the indexes of partitioned tables, which inherit as well.
parent AS MATERIALIZED (
    SELECT p.oid, p.relowner, p.relacl, h.oid AS hypertable, h.relrowsecurity, h.relpersistence
      FROM pg_class p
      LEFT JOIN hypertable h ON h.oid = p.oid
     WHERE p.oid = ANY (ARRAY(SELECT DISTINCT i.inhparent FROM pg_inherits i))
       AND p.relkind <> 'I'
),
child AS MATERIALIZED (
    SELECT i.inhrelid AS oid, p.hypertable, c.relnamespace, c.relname,
           c.relowner <> p.relowner OR c.relacl IS DISTINCT FROM p.relacl AS granted,
           c.relkind <> 'r' OR c.relrowsecurity AND NOT p.relrowsecurity OR c.relpersistence <> p.relpersistence AS odd
      FROM pg_inherits i
      JOIN parent p ON p.oid = i.inhparent
      JOIN pg_class c ON c.oid = i.inhrelid
),
related AS MATERIALIZED (
    SELECT c.hypertable, c.relnamespace, count(*) AS number, sum((hashoidextended(c.oid, (SELECT s.seed FROM seed s)) >> 32)) AS sum,
           sum(hashnameextended(c.relname, (SELECT s.seed FROM seed s))) AS names,
           bool_or(c.odd OR c.oid IN (SELECT t.tgrelid FROM pg_trigger t WHERE NOT t.tgisinternal
                                      UNION ALL SELECT r.ev_class FROM pg_rewrite r
                                      UNION ALL SELECT p.polrelid FROM pg_policy p
                                      UNION ALL SELECT p.oid FROM parent p)) AS odd
      FROM child c
     WHERE c.hypertable IS NOT NULL
     GROUP BY c.hypertable, c.relnamespace
),
listed AS MATERIALIZED (
    SELECT h.oid AS hypertable, k.relnamespace, count(*) AS number, sum(hashnameextended(k.relname, (SELECT s.seed FROM seed s))) AS names,
           bool_or(k.relnamespace IS DISTINCT FROM h.home OR k.relname <> (h.begin || k.id::text || '_chunk')::name) AS moved
      FROM ({listed}) k
      JOIN hypertable h ON h.id = k.hypertable_id
     GROUP BY h.oid, k.relnamespace
),
{placed},
-- How many chunks each hypertable has, and what each of these must have.
model AS MATERIALIZED (
    SELECT h.oid, coalesce(sum(r.number), 0) AS number, coalesce(sum(r.sum), 0) AS sum, h.num_dimensions AS dimensions,
           (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = h.oid AND k.contype = 'f' AND k.conparentid = 0) AS keys,
           (SELECT coalesce(sum(((hashoidextended(k.confrelid, (SELECT s.seed FROM seed s)) # hash_array_extended(k.confkey, (SELECT s.seed FROM seed s))) >> 32)), 0) FROM pg_constraint k WHERE k.conrelid = h.oid AND k.contype = 'f' AND k.conparentid = 0) AS points
      FROM hypertable h
      LEFT JOIN related r ON r.hypertable = h.oid
     GROUP BY h.oid, h.num_dimensions
),
-- An index of a chunk adds the product of a hash of its chunk and one of what it covers: over all chunks of a hypertable that is the sum of
-- their hashes, times the sum of the hashes of the hypertable's own indexes, only where each chunk has as many of each kind.
indexes AS (
    SELECT c.hypertable, count(*) AS number, bool_and(x.indisvalid AND x.indisready) AS valid,
           sum((hashoidextended(c.oid, (SELECT s.seed FROM seed s)) >> 32) * {covers}) AS sum
      FROM pg_index x
      JOIN child c ON c.oid = x.indrelid
     GROUP BY c.hypertable
),
wanted AS (
    SELECT x.indrelid AS hypertable, count(*) AS number,
           sum({covers}) AS sum
      FROM pg_index x
     WHERE x.indrelid = ANY ($1)
     GROUP BY x.indrelid
),
constraints AS (
    SELECT c.hypertable, CASE WHEN k.contype = 'f' THEN 'key' WHEN k.conname LIKE 'constraint\_%' THEN 'dimension' ELSE 'check' END AS kind,
           count(*) AS number,
           sum((hashoidextended(c.oid, (SELECT s.seed FROM seed s)) >> 32) * CASE k.contype WHEN 'f' THEN ((hashoidextended(k.confrelid, (SELECT s.seed FROM seed s)) # hash_array_extended(k.confkey, (SELECT s.seed FROM seed s))) >> 32) ELSE 1 END) AS sum
      FROM pg_constraint k
      JOIN child c ON c.oid = k.conrelid
     WHERE k.contype = 'f' AND k.conparentid = 0 OR k.contype = 'c' AND k.coninhcount = 0
     GROUP BY 1, 2
)
SELECT EXISTS (SELECT FROM pg_inherits i WHERE i.inhseqno <> 1)
       OR EXISTS (SELECT FROM related r FULL JOIN listed l ON l.hypertable = r.hypertable AND l.relnamespace = r.relnamespace
                WHERE r.number IS DISTINCT FROM l.number OR r.names IS DISTINCT FROM l.names OR r.odd OR l.moved)
       OR EXISTS (SELECT FROM model m
                    LEFT JOIN wanted w ON w.hypertable = m.oid
                    LEFT JOIN indexes x ON x.hypertable = m.oid
                   WHERE coalesce(x.number, 0) <> coalesce(w.number, 0) * m.number OR coalesce(x.sum, 0) <> coalesce(w.sum, 0) * m.sum
                      OR NOT x.valid)
       OR EXISTS (SELECT FROM (SELECT m.oid, m.number, m.sum, v.kind, v.times, v.points
                                 FROM model m
                                CROSS JOIN LATERAL (VALUES ('key', m.keys, m.points), ('dimension', m.dimensions::int8, m.dimensions::numeric))
                                           v(kind, times, points)) w
                    FULL JOIN (SELECT k.* FROM constraints k WHERE k.hypertable IS NOT NULL) k ON k.hypertable = w.oid AND k.kind = w.kind
                   WHERE coalesce(k.number, 0) <> coalesce(w.times * w.number, 0) OR coalesce(k.sum, 0) <> coalesce(w.points * w.sum, 0))
       OR EXISTS (SELECT FROM placed p
                    JOIN child c ON c.oid = p.chunk AND c.hypertable IS NOT NULL
                   WHERE (c.hypertable, p.reltablespace) NOT IN (SELECT s.hypertable, s.oid FROM space s))
       OR EXISTS (SELECT FROM pg_trigger t
                   WHERE t.tgrelid = ANY ($1) AND NOT t.tgisinternal AND t.tgtype & 1 = 1
                     AND t.tgname NOT IN ('ts_insert_blocker', 'ts_cagg_invalidation_trigger'))
       OR $2 AND EXISTS (SELECT FROM hypertable h
                           LEFT JOIN pg_trigger t ON t.tgrelid = h.oid AND t.tgname = 'ts_insert_blocker'
                          WHERE t.oid IS NULL OR t.tgenabled = 'D')
       OR EXISTS (SELECT FROM _timescaledb_catalog.dimension d
                    JOIN hypertable h ON h.id = d.hypertable_id
                    JOIN _timescaledb_catalog.dimension_slice r ON r.dimension_id = d.id
                   WHERE d.interval_length IS NOT NULL
                     AND CASE WHEN r.range_start > -9223372036854775808 AND r.range_end < 9223372036854775807
                              THEN r.range_end - r.range_start <> d.interval_length ELSE false END) AS deviates,
       EXISTS (SELECT FROM child c WHERE c.granted) AS granted
