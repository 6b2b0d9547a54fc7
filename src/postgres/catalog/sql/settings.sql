-- Deparsed text depends on these settings, and a role or a database may have its own (ALTER ROLE ... SET).
SET LOCAL search_path = pg_catalog;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL quote_all_identifiers = off;
SET LOCAL standard_conforming_strings = on;
-- A stock server compiles large catalog queries for seconds.
SET LOCAL jit = off
