-- After initdb_age.sql: what somebody wrote beside what initdb made in this database: comments, and labels of security. initdb's own comments
-- are as old as it is, and those of its databases have words that every version has.
, said(classoid, objoid, objsubid, description, was) AS (
    SELECT d.classoid, d.objoid, d.objsubid, d.description, NULL
      FROM pg_description d
     WHERE d.objoid < 16384
       AND age(d.xmin) < (SELECT m.age FROM made m)
    UNION ALL
    SELECT d.classoid, d.objoid, 0, d.description, v.was
      FROM pg_shdescription d
      JOIN pg_database b ON b.oid = d.objoid
      JOIN (VALUES ('postgres', 'default administrative connection database'), ('template1', 'default template for new databases'),
                   ('template0', 'unmodifiable empty database')) v(name, was)
           ON b.datname = v.name AND v.name IN (current_database(), CASE current_database() WHEN 'template1' THEN 'template0' END)
     WHERE d.classoid = 'pg_database'::regclass
       AND d.description <> v.was
)
SELECT pg_describe_object(s.classoid, s.objoid, s.objsubid) AS what,
       s.description ~* '(postgres(ql)?://|\m(host|hostaddr|dbname|password)\s*=)' AS leads,
       format('COMMENT ON %s %s IS %s;',
              CASE WHEN i.type LIKE '% column' THEN 'COLUMN' WHEN i.type LIKE '% constraint' THEN 'CONSTRAINT' ELSE upper(i.type) END,
              i.identity, coalesce(quote_literal(s.was), 'NULL')) AS statement
  FROM said s
 CROSS JOIN LATERAL pg_identify_object(s.classoid, s.objoid, s.objsubid) i
UNION ALL
SELECT format('%s (label of %s)', pg_describe_object(l.classoid, l.objoid, l.objsubid), l.provider), false, NULL
  FROM pg_seclabel l
UNION ALL
SELECT format('database %I (label of %s)', current_database(), l.provider), false, NULL
  FROM pg_shseclabel l
 WHERE l.classoid = 'pg_database'::regclass
   AND l.objoid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
 ORDER BY 1
 LIMIT 1000
