-- Who blocks process $1, and at which table. Of other roles' sessions a plain role sees no more than who they are.
SELECT string_agg(
           'process ' || b.pid
           || coalesce(' (' || nullif(a.application_name, '') || ')', '')
           || coalesce(' of role ' || a.usename, '')
           || coalesce(' from ' || host(a.client_addr), '')
           || coalesce(', ' || a.state || coalesce(' since ' || to_char(a.state_change AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', ''), '')
           || coalesce(', in a transaction since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', ''),
           '; ' ORDER BY b.pid)
       || coalesce('; the lock is on ' || (
           -- Who waits for a row holds the row's own lock, and waits for the transaction that changed it.
           SELECT string_agg(DISTINCT CASE l.locktype WHEN 'tuple' THEN 'a row of ' ELSE '' END || l.relation::regclass, ', ')
             FROM pg_locks l
             JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
            WHERE l.pid = $1 AND l.relation IS NOT NULL AND (NOT l.granted OR l.locktype = 'tuple')), '')
  FROM unnest(pg_blocking_pids($1)) b(pid)
  LEFT JOIN pg_stat_activity a ON a.pid = b.pid
