-- Who streams the write-ahead log. Senders of logical replication have a database and see no other; base backups end by themselves.
SELECT r.application_name AS name, a.usename::text AS role
  FROM pg_stat_replication r
  JOIN pg_stat_activity a ON a.pid = r.pid
 WHERE a.datid IS NULL
   AND a.usename IS NOT NULL
   AND r.state IS DISTINCT FROM 'backup'
 ORDER BY 1, 2
