-- As member.sql, and a member is shown as well when its row in pg_depend is younger than the extension's in pg_extension, which CREATE
-- and ALTER EXTENSION ... UPDATE write in the transaction that runs the script.
-- `made` is the age of that transaction, where ages tell: the server has counted no more transactions than can be compared, and the
-- database was not filled by pg_upgrade, which makes members one by one. pg_upgrade writes template0's row anew; initdb does so right
-- after it has made plpgsql. Of what the script made (`scripted`), whatever is younger was changed afterwards.
WITH script AS MATERIALIZED (
    SELECT e.oid, e.extname, e.extowner, CASE WHEN t.tells THEN age(e.xmin) END AS made
      FROM pg_extension e
     CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 < 2147483648
                        AND EXISTS (SELECT FROM pg_database t, pg_extension l
                                     WHERE t.datname = 'template0' AND l.extname = 'plpgsql' AND l.oid < 16384
                                       AND age(l.xmin) - age(t.xmin) BETWEEN 0 AND 60) AS tells) t
),
member AS MATERIALIZED (
    SELECT d.classid, d.objid, e.oid AS extension_oid, e.extname::text AS extension, ARRAY[e.extowner, 10::oid] AS owners,
           e.made, age(d.xmin) >= e.made AS scripted,
           e.oid < 16384
           -- An object that was there before it was attached, or one that no subtransaction of the script can have made: that comes before
           -- the script's last object, or after its last command.
           OR CASE WHEN age(d.xmin) < e.made THEN
                  age(d.xmin) < age(coalesce((SELECT c.xmin FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid),
                                             (SELECT p.xmin FROM pg_proc p WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid),
                                             (SELECT t.xmin FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid), d.xmin))
                  OR (SELECT d.objid > max(s.objid) AND d.cmin::text::int8 <= max(s.cmin::text::int8) FILTER (WHERE age(s.xmin) = e.made)
                        FROM pg_depend s
                       WHERE s.refclassid = 'pg_extension'::regclass AND s.refobjid = e.oid AND s.deptype = 'e' AND age(s.xmin) >= e.made)
                  ELSE false END AS attached
      FROM pg_depend d
      JOIN script e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_extension'::regclass
       AND d.deptype = 'e'
       AND d.objid >= 16384
)
