-- What of the columns of refinery's history keeps its rows from being read or written, and what mends it: one row.
SELECT shape.wrong,
       shape.mending
FROM (
    SELECT string_agg(format('%I %s', attname, wrong), ', ' ORDER BY attnum) AS wrong,
           string_agg(format('ALTER COLUMN %I %s', attname, mending), ', ' ORDER BY attnum) AS mending
    FROM (
        SELECT a.attname, a.attnum,
               CASE
                   WHEN a.attname = 'version' AND coalesce(nullif(t.typbasetype, 0), t.oid)
                       NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                       THEN format('is %s, expected integer', format_type(a.atttypid, a.atttypmod))
                   WHEN a.attname IN ('name', 'applied_on', 'checksum') AND t.typcategory <> 'S'
                       THEN format('is %s, expected character varying(255)', format_type(a.atttypid, a.atttypmod))
                   WHEN a.attname NOT IN ('version', 'name', 'applied_on', 'checksum')
                       AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
                       THEN 'is no column of refinery''s and keeps its rows out, being NOT NULL without a default'
               END AS wrong,
               CASE
                   WHEN a.attname = 'version' THEN 'TYPE integer USING version::integer'
                   WHEN a.attname NOT IN ('name', 'applied_on', 'checksum') THEN 'DROP NOT NULL'
                   WHEN a.attname = 'applied_on' AND t.oid = 'timestamptz'::regtype
                       THEN 'TYPE varchar(255) USING to_char(applied_on AT TIME ZONE ''UTC'', ''YYYY-MM-DD"T"HH24:MI:SS.US"Z"'')'
                   ELSE 'TYPE varchar(255)'
               END AS mending
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = to_regclass('public.refinery_schema_history') AND a.attnum > 0 AND NOT a.attisdropped
    ) AS one
    WHERE wrong IS NOT NULL
) AS shape
