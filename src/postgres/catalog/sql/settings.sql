-- A temporary table of a script must not come before the catalog. Deparsed text depends on the other settings, and a role or a database may have its own (ALTER ROLE ... SET).
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL quote_all_identifiers = off;
SET LOCAL standard_conforming_strings = on;
-- A stock server compiles large catalog queries for seconds.
SET LOCAL jit = off
