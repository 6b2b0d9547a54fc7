-- Prepared transactions in this database; the view shows those of the whole cluster.
SELECT gid::text AS gid, owner::text AS owner, to_char(prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
  FROM pg_prepared_xacts
 WHERE database = current_database()
 ORDER BY 1
