-- Who blocks process $1, and at which table. Of other roles' sessions a plain role sees no more than who they are. A prepared transaction
-- has no process: the server calls it 0.
SELECT string_agg(
           CASE WHEN b.pid = 0 THEN coalesce((
               SELECT string_agg(format('the prepared transaction %L of role %s, prepared at %s UTC, which COMMIT PREPARED or ROLLBACK PREPARED ends',
                                        p.gid, p.owner, to_char(p.prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')), '; ' ORDER BY p.prepared)
                 FROM pg_prepared_xacts p
                WHERE p.database = current_database()
                  AND EXISTS (
                      SELECT FROM pg_locks w
                       WHERE w.pid = $1 AND NOT w.granted
                         AND (w.transactionid = p.transaction
                              OR EXISTS (SELECT FROM pg_locks x
                                           JOIN pg_locks h ON h.pid IS NULL AND h.virtualtransaction = x.virtualtransaction
                                          WHERE x.pid IS NULL AND x.transactionid = p.transaction
                                            AND h.locktype = w.locktype AND h.database = w.database AND h.relation = w.relation)))),
               'a prepared transaction, see pg_prepared_xacts')
           ELSE 'process ' || b.pid::text
           || coalesce(' (' || nullif(a.application_name, '') || ')', '')
           || coalesce(' of role ' || a.usename, '')
           || coalesce(' from ' || host(a.client_addr), '')
           || coalesce(', ' || a.state || coalesce(' since ' || to_char(a.state_change AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', ''), '')
           || coalesce(', in a transaction since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', '')
           END,
           '; ' ORDER BY b.pid)
       || coalesce('; the lock is on ' || (
           -- Who waits for a row holds the row's own lock, and waits for the transaction that changed it.
           SELECT string_agg(DISTINCT CASE l.locktype WHEN 'tuple' THEN 'a row of ' ELSE '' END || l.relation::regclass::text, ', ')
             FROM pg_locks l
             JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
            WHERE l.pid = $1 AND l.relation IS NOT NULL AND (NOT l.granted OR l.locktype = 'tuple')), '')
  FROM (SELECT DISTINCT pid FROM unnest(pg_blocking_pids($1)) pid) b
  LEFT JOIN pg_stat_activity a ON a.pid = b.pid
