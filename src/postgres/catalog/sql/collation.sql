-- The version that the database's collation has now (PostgreSQL 15, pg_database_collation_actual_version).
SELECT pg_database_collation_actual_version(d.oid) AS actual FROM pg_database d WHERE d.datname = current_database()
