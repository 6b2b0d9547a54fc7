-- How much each role owns in each other database: pg_shdepend is shared by all of them. The bootstrap superuser is not in it.
SELECT pg_get_userbyid(s.refobjid)::text AS role, d.datname::text AS database, pg_get_userbyid(d.datdba)::text AS database_owner,
       count(*) AS objects
  FROM pg_shdepend s
  JOIN pg_database d ON d.oid = s.dbid
 WHERE s.deptype = 'o'
   AND s.refclassid = 'pg_authid'::regclass
   -- By the databases, which have an index: all chunks of this one are in it too.
   AND s.dbid = ANY (ARRAY(SELECT o.oid FROM pg_database o WHERE o.datname <> current_database()))
 GROUP BY s.refobjid, d.datname, d.datdba
 ORDER BY 1, 2
