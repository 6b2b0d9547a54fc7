-- After initdb_age.sql: as member.sql, and a member is shown as well when it was attached by ALTER EXTENSION ... ADD, and not by a script.
-- `made` is the age of the last script's transaction, where ages tell: CREATE and ALTER EXTENSION ... UPDATE write the row in pg_extension.
-- Of what a script made (`scripted`), whatever is younger was changed afterwards.
-- What a script makes is a member from its first command on (`born`): nothing about it is older than its row in pg_depend. What is `older`
-- was attached: by a script too, as long as its transaction goes on to make members, or is CREATE's or the last UPDATE's and made none.
script AS MATERIALIZED (
    SELECT e.oid, e.extname, e.extowner, CASE WHEN (SELECT m.age FROM made m) IS NOT NULL THEN age(e.xmin) END AS made,
           (SELECT max(age(d.xmin)) FROM pg_depend d
             WHERE d.classid = 'pg_extension'::regclass AND d.objid = e.oid AND d.refclassid = 'pg_namespace'::regclass) AS created
      FROM pg_extension e
),
entry AS MATERIALIZED (
    SELECT d.classid, d.objid, e.oid AS extension_oid, e.extname::text AS extension, ARRAY[e.extowner, 10::oid] AS owners, e.made, e.created,
           age(d.xmin) AS age, d.cmin::text::int8 AS command
      FROM pg_depend d
      JOIN script e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_extension'::regclass
       AND d.deptype = 'e'
       AND d.objid >= 16384
),
-- Extensions of which some transaction did not end with a member that was born in it, if any: of the others nobody is looked at.
doubtful AS MATERIALIZED (
    SELECT DISTINCT d.extension_oid
      FROM (SELECT DISTINCT ON (d.extension_oid, d.age) d.*
              FROM entry d
             WHERE d.made IS NOT NULL
             ORDER BY d.extension_oid, d.age, d.command DESC) d
      LEFT JOIN LATERAL (
{oldest}
           ) w ON true
     WHERE (w.age = d.age AND w.command >= d.command) IS NOT TRUE
),
part AS MATERIALIZED (
    SELECT d.*, w.age AS row_age, w.command AS row_command,
           w.age > d.age OR w.age = d.age AND w.command < d.command AS older,
           w.age = d.age AND w.command >= d.command AS born
      FROM entry d
      LEFT JOIN LATERAL (SELECT w.age, w.command
                           FROM (
{oldest}
                                ) w
                          WHERE d.age < d.made OR d.extension_oid IN (SELECT t.extension_oid FROM doubtful t)
                          -- OFFSET 0: whether it is looked at is asked first.
                         OFFSET 0) w ON true
),
-- The last command of each transaction that made members, and whether one of them was born in it.
run AS MATERIALIZED (
    SELECT r.extension_oid, r.age, max(r.command) AS last, bool_or(r.born) AS born
      FROM (SELECT p.extension_oid, p.age, p.command, true FROM part p WHERE p.born
            -- Made before, and replaced.
            UNION ALL SELECT p.extension_oid, p.row_age, p.row_command, false FROM part p WHERE p.row_age < p.age) r(extension_oid, age, command, born)
     GROUP BY r.extension_oid, r.age
),
member AS MATERIALIZED (
    SELECT p.classid, p.objid, p.extension_oid, p.extension, p.owners, p.made, p.age >= p.made AS scripted,
           p.extension_oid < 16384
           OR CASE WHEN p.age < p.made THEN
                  -- An object that was there before it was attached, or one that no subtransaction of the script can have made: that comes
                  -- before the script's last object, or after its last command.
                  p.row_age > p.age
                  OR (SELECT p.objid > max(s.objid) AND p.command <= max(s.command) FILTER (WHERE s.age = p.made)
                        FROM entry s
                       WHERE s.extension_oid = p.extension_oid AND s.age >= p.made)
                  WHEN p.older THEN coalesce((SELECT p.command > r.last FROM run r WHERE r.extension_oid = p.extension_oid AND r.age = p.age AND r.born),
                                             p.age <> p.made AND p.age IS DISTINCT FROM p.created)
                  ELSE false END AS attached
      FROM part p
)
