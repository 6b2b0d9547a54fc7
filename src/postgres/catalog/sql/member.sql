-- Members of extensions, put in front of the queries that must leave out what an extension's script made.
-- A member is shown all the same when it was attached by ALTER EXTENSION ... ADD: its owner is neither the extension's nor the
-- bootstrap superuser (OID 10; a trusted extension's script runs as it, see CREATE EXTENSION), or the extension came with
-- initdb while the member did not.
WITH member AS MATERIALIZED (
    SELECT d.classid, d.objid, e.extname::text AS extension, e.oid < 16384 AS attached, ARRAY[e.extowner, 10::oid] AS owners,
           -- member_aged.sql knows more: it is asked first, and used where anything was changed.
           false AS scripted, NULL::int4 AS made
      FROM pg_depend d
      JOIN pg_extension e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_extension'::regclass
       AND d.deptype = 'e'
       AND d.objid >= 16384
)
