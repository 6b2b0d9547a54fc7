-- Privileges on single chunks beyond what their hypertable has: whether any column of a relation that inherits has some of its own.
SELECT EXISTS (SELECT FROM pg_attribute a JOIN pg_inherits i ON i.inhrelid = a.attrelid
                WHERE a.attacl IS NOT NULL AND NOT a.attisdropped) AS granted
