-- Whether what lies in schema n outlasts a session: it is no temporary one, or has so high a number that no session clears it up.
       CASE WHEN n.nspname ~ '^pg_temp_[0-9]{1,9}$'
            THEN substr(n.nspname::text, 9)::int8 > current_setting('max_connections')::int4 + current_setting('max_worker_processes')::int4 + 1000
            ELSE true END
