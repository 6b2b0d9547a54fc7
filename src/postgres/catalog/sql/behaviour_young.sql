-- To member_aged.sql, for behaviour.sql: the relations that an extension's script made, and what tells of a row about them that it is younger than the script.
, young AS MATERIALIZED (
    SELECT m.objid AS oid, m.extension, m.made, (SELECT max(o.objid) FROM member o WHERE o.extension_oid = m.extension_oid AND o.scripted) AS newest
      FROM member m
     WHERE m.classid = 'pg_class'::regclass
       AND m.scripted
       AND m.objid <> ALL ($1)
)
