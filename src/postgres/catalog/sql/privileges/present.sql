-- Whether the database is a template, and who is connected to it. dbctl's own sessions are told by the name that it gives them.
SELECT d.datistemplate AS template, s.role, s.sessions
  FROM pg_database d
  LEFT JOIN (SELECT a.datid, a.usename::text AS role, count(*) AS sessions
               FROM pg_stat_activity a
              WHERE a.usename IS NOT NULL
                AND a.application_name NOT LIKE 'dbctl %'
              GROUP BY a.datid, a.usename) s ON s.datid = d.oid
 WHERE d.datname = current_database()
 ORDER BY 2
