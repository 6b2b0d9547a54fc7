-- Comments, and settings of databases and roles, that hold a connection string.
WITH said AS MATERIALIZED (
    SELECT d.classoid, d.objoid, d.objsubid, d.description AS text
      FROM pg_description d
     WHERE (d.objoid >= 16384 OR d.objoid = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'public'))
       AND d.description ~* '(postgres(ql)?://|\m(host|hostaddr|dbname|password)\s*=)'
    UNION ALL
    SELECT d.classoid, d.objoid, 0, d.description
      FROM pg_shdescription d
     WHERE (d.classoid = 'pg_database'::regclass AND d.objoid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
            OR d.classoid = 'pg_authid'::regclass AND d.objoid = (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user))
       AND d.description ~* '(postgres(ql)?://|\m(host|hostaddr|dbname|password)\s*=)'
)
SELECT NULL::text AS setting, i.type AS kind, i.schema AS schema, 
       -- Of a column pg_identify_object gives the table's name.
       coalesce(i.name || '.' || (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = s.objoid AND a.attnum = s.objsubid
                                   AND s.classoid = 'pg_class'::regclass AND s.objsubid > 0), i.name, i.identity) AS name,
       pg_describe_object(s.classoid, s.objoid, s.objsubid) AS described, s.text AS text,
       -- A domain's constraint would need ON DOMAIN.
       CASE WHEN i.type <> 'domain constraint' THEN
           format('COMMENT ON %s %s IS NULL;',
               CASE WHEN i.type LIKE '% column' THEN 'COLUMN' WHEN i.type LIKE '% constraint' THEN 'CONSTRAINT'
                    WHEN i.type = 'statistics object' THEN 'STATISTICS' ELSE upper(i.type) END, i.identity) END AS statement
  FROM said s
 CROSS JOIN LATERAL pg_identify_object(s.classoid, s.objoid, s.objsubid) i
UNION ALL
SELECT split_part(v, '=', 1), CASE WHEN c.setrole = 0 THEN 'database' ELSE 'role' END, NULL,
       coalesce(r.rolname, current_database())::text,
       CASE WHEN c.setrole = 0 THEN 'database ' || quote_ident(current_database()) ELSE 'role ' || quote_ident(r.rolname) END,
       substr(v, strpos(v, '=') + 1), NULL
  FROM pg_db_role_setting c
  LEFT JOIN pg_roles r ON r.oid = c.setrole
 CROSS JOIN LATERAL unnest(c.setconfig) v
 WHERE (c.setdatabase = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
        OR c.setdatabase = 0 AND r.rolname = session_user)
   AND substr(v, strpos(v, '=') + 1) ~* '(postgres(ql)?://|\m(host|hostaddr|dbname|password)\s*=)'
 ORDER BY 5, 1
