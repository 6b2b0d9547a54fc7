-- Each sequence, and the role that can read it: one that can set it, if there is one. `owned`: it belongs to a column (OWNED BY, or an
-- identity). `columns`: those, and the ones whose default takes its values from it, each by number and by name.
-- `feeds`: those that take their values from it, by number.
SELECT c.oid, format('%s.%s', n.nspname, c.relname) AS name, format('%I.%I', n.nspname, c.relname) AS quoted, s.seqincrement < 0 AS descending,
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                  AND d.refclassid = 'pg_class'::regclass) AS owned,
       ARRAY(SELECT unnest(ARRAY[format('%s.%s', o.rel, o.num), format('%s.%s.%s', tn.nspname, t.relname, a.attname)])
               FROM (SELECT d.refobjid, d.refobjsubid
                       FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass
                     UNION
                     SELECT f.adrelid, f.adnum
                       FROM pg_depend d
                       JOIN pg_attrdef f ON f.oid = d.objid
                      WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid) o(rel, num)
               JOIN pg_class t ON t.oid = o.rel
               JOIN pg_namespace tn ON tn.oid = t.relnamespace
               JOIN pg_attribute a ON a.attrelid = o.rel AND a.attnum = o.num) AS columns,
       ARRAY(SELECT format('%s.%s', o.rel, o.num)
               FROM (SELECT d.refobjid, d.refobjsubid
                       FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i' AND d.refclassid = 'pg_class'::regclass
                     UNION
                     SELECT f.adrelid, f.adnum
                       FROM pg_depend d
                       JOIN pg_attrdef f ON f.oid = d.objid
                      WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid) o(rel, num)) AS feeds,
       reader.name AS reader, coalesce(reader.sets, false) AS sets
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
      SELECT a.name, v.sets
        FROM actor a
       CROSS JOIN LATERAL (SELECT has_sequence_privilege(a.oid, c.oid, 'UPDATE') AS sets) v
       WHERE has_schema_privilege(a.oid, n.oid, 'USAGE') AND has_sequence_privilege(a.oid, c.oid, 'SELECT')
       ORDER BY v.sets DESC, a.own DESC, a.name LIMIT 1) reader ON true
 WHERE c.oid >= 16384
   AND c.relpersistence <> 't'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
