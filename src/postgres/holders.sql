-- Who holds a lock that even readers wait for, apart from process $1: asked when a wait was over before anybody could look who ended it.
-- A prepared transaction has no process.
SELECT string_agg(
           CASE WHEN l.pid IS NULL
           THEN coalesce('the prepared transaction ' || quote_literal(p.gid) || ' of role ' || p.owner, 'a prepared transaction, see pg_prepared_xacts')
           ELSE 'process ' || l.pid::text
           || coalesce(' (' || nullif(a.application_name, '') || ')', '')
           || coalesce(' of role ' || a.usename, '')
           || coalesce(' from ' || host(a.client_addr), '')
           || coalesce(', ' || a.state, '')
           END
           || ', which holds ' || l.relations,
           '; ' ORDER BY l.pid)
  FROM (SELECT h.pid, h.virtualtransaction, string_agg(DISTINCT h.relation::regclass::text, ', ') AS relations
          FROM pg_locks h
          JOIN pg_database d ON d.oid = h.database AND d.datname = current_database()
         WHERE h.granted AND h.mode = 'AccessExclusiveLock' AND h.locktype = 'relation' AND h.pid IS DISTINCT FROM $1
         GROUP BY h.pid, h.virtualtransaction) l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction
  LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
