-- Owners other than the database's of what no snapshot lists: large objects (twenty of one owner are listed, the rest is counted), and
-- what remains with a catalog of its own.
SELECT 'large_object' AS kind, '' AS schema, '' AS parent, l.oid::text AS name, pg_get_userbyid(l.lomowner)::text AS owner,
       (CASE WHEN l.number = 20 THEN l.total - 20 ELSE 0 END)::int8 AS more
  FROM (SELECT m.oid, m.lomowner, row_number() OVER (PARTITION BY m.lomowner ORDER BY m.oid) AS number,
               count(*) OVER (PARTITION BY m.lomowner) AS total
          FROM pg_largeobject_metadata m
         WHERE m.lomowner <> (SELECT datdba FROM pg_database WHERE datname = current_database())) l
 WHERE l.number <= 20
UNION ALL
SELECT 'object', '', '', pg_describe_object(o.class, o.oid, 0), pg_get_userbyid(o.owner), 0
  FROM (SELECT 'pg_operator'::regclass, oid, oprowner FROM pg_operator
        UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner FROM pg_opclass
        UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner FROM pg_opfamily
        UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner FROM pg_conversion
        UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner FROM pg_ts_dict
        UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner FROM pg_ts_config) o(class, oid, owner)
 WHERE o.oid >= 16384
   AND o.owner <> (SELECT datdba FROM pg_database WHERE datname = current_database())
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = o.class AND d.objid = o.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
 ORDER BY 5, 1, 2, 3, 4
