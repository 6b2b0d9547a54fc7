-- Where the subscriptions of this database read from. For superusers only; host and database are all that is kept of it.
SELECT s.subname::text AS name, s.subconninfo AS conninfo
  FROM pg_subscription s
 WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
