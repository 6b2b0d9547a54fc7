-- Who blocks process $1. Of other roles' sessions a plain role sees no more than who they are.
SELECT string_agg(
           'process ' || b.pid
           || coalesce(' (' || nullif(a.application_name, '') || ')', '')
           || coalesce(' of role ' || a.usename, '')
           || coalesce(' from ' || host(a.client_addr), '')
           || coalesce(', ' || a.state, '')
           || coalesce(', in a transaction since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', ''),
           '; ' ORDER BY b.pid)
  FROM unnest(pg_blocking_pids($1)) b(pid)
  LEFT JOIN pg_stat_activity a ON a.pid = b.pid
