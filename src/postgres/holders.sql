-- Who holds a lock that even readers wait for, apart from process $1: asked when a wait was over before anybody could look who ended it.
SELECT string_agg(
           'process ' || l.pid
           || coalesce(' (' || nullif(a.application_name, '') || ')', '')
           || coalesce(' of role ' || a.usename, '')
           || coalesce(' from ' || host(a.client_addr), '')
           || coalesce(', ' || a.state, '')
           || ', which holds ' || l.relations,
           '; ' ORDER BY l.pid)
  FROM (SELECT h.pid, string_agg(DISTINCT h.relation::regclass::text, ', ') AS relations
          FROM pg_locks h
          JOIN pg_database d ON d.oid = h.database AND d.datname = current_database()
         WHERE h.granted AND h.mode = 'AccessExclusiveLock' AND h.locktype = 'relation' AND h.pid <> $1
         GROUP BY h.pid) l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
