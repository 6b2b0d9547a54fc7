-- What there is to ask about, so that nothing is asked about what is not there, and no catalog that chunks fill is gone through twice.
-- `relations` holds all that are no chunks and little more: relations.sql decides. They are found by their row types, of which there are
-- a third as many as rows in pg_class: a relation and its row type have one name (CREATE TABLE), and only sequences, indexes and TOAST
-- tables have none (pg_class, reltype). What bears a chunk's name and inherits from nothing is listed, for it may be something else.
-- Whatever inherits from one of $1 is a chunk of it (chunks_look.sql).
type AS MATERIALIZED (
    SELECT t.oid, t.typrelid, t.typowner, t.typacl IS NOT NULL AS granted, t.oid >= 16384 AS made
      FROM pg_type t
     WHERE t.typacl IS NOT NULL
        OR t.oid >= 16384
           AND CASE t.typtype
                   WHEN 'c' THEN NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = t.typrelid AND i.inhparent = ANY ($1))
                                 AND (NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = t.typrelid AND i.inhparent <> ALL ($1))
                                      OR NOT EXISTS (SELECT FROM left_out l WHERE l.oid = t.typrelid) AND NOT EXISTS ({chunk}))
                   WHEN 'b' THEN t.typsubscript <> 'array_subscript_handler'::regproc
                   ELSE t.typtype IN ('e', 'd', 'r', 'p') END
),
-- What has no owner is as if the bootstrap superuser owned it: an extension's script made it, or it is no member.
other(part, class, oid, owner, changed) AS (
    SELECT 'routines', 'pg_proc'::regclass, p.oid, p.proowner, age(p.xmin) FROM pg_proc p WHERE p.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_operator'::regclass, o.oid, o.oprowner, NULL FROM pg_operator o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_opclass'::regclass, o.oid, o.opcowner, NULL FROM pg_opclass o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_opfamily'::regclass, o.oid, o.opfowner, NULL FROM pg_opfamily o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_cast'::regclass, o.oid, 10::oid, NULL FROM pg_cast o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_conversion'::regclass, o.oid, o.conowner, NULL FROM pg_conversion o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_ts_config'::regclass, o.oid, o.cfgowner, NULL FROM pg_ts_config o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_ts_dict'::regclass, o.oid, o.dictowner, NULL FROM pg_ts_dict o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_ts_parser'::regclass, o.oid, 10, NULL FROM pg_ts_parser o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_ts_template'::regclass, o.oid, 10, NULL FROM pg_ts_template o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_transform'::regclass, o.oid, 10, NULL FROM pg_transform o WHERE o.oid >= 16384
    UNION ALL SELECT 'rare', 'pg_am'::regclass, o.oid, 10, NULL FROM pg_am o WHERE o.oid >= 16384
    UNION ALL SELECT 'others', 'pg_language'::regclass, o.oid, o.lanowner, NULL FROM pg_language o WHERE o.oid >= 16384
    UNION ALL SELECT 'others', 'pg_collation'::regclass, o.oid, o.collowner, NULL FROM pg_collation o WHERE o.oid >= 16384
    UNION ALL SELECT 'others', 'pg_statistic_ext'::regclass, o.oid, NULL, NULL FROM pg_statistic_ext o WHERE o.oid >= 16384
    UNION ALL SELECT 'others', 'pg_event_trigger'::regclass, o.oid, o.evtowner, CASE WHEN o.evtenabled <> 'O' THEN age(o.xmin) END
               FROM pg_event_trigger o WHERE o.oid >= 16384
    UNION ALL SELECT 'others', 'pg_publication'::regclass, o.oid, NULL, NULL FROM pg_publication o WHERE o.oid >= 16384
    UNION ALL SELECT 'links', 'pg_foreign_data_wrapper'::regclass, o.oid, o.fdwowner, NULL FROM pg_foreign_data_wrapper o WHERE o.oid >= 16384
    UNION ALL SELECT 'links', 'pg_foreign_server'::regclass, o.oid, o.srvowner, NULL FROM pg_foreign_server o WHERE o.oid >= 16384
    -- pg_subscription is shared by all databases of the cluster.
    UNION ALL SELECT 'links', 'pg_subscription'::regclass, o.oid, NULL, NULL FROM pg_subscription o
               WHERE o.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
)
SELECT ARRAY(SELECT t.typrelid FROM type t WHERE t.made AND t.typrelid <> 0
             UNION ALL SELECT s.seqrelid FROM pg_sequence s
             -- A foreign table can be attached as a chunk (osm_chunk).
             UNION ALL SELECT f.ftrelid FROM pg_foreign_table f
             UNION ALL SELECT p.partrelid FROM pg_partitioned_table p) AS relations,
       ARRAY(SELECT l.oid FROM left_out l) AS internals,
       ARRAY(SELECT t.oid
               FROM type t
               LEFT JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
              WHERE t.made
                AND (t.typrelid = 0 OR (SELECT c.relkind FROM pg_class c WHERE c.oid = t.typrelid) = 'c')
                AND (m.objid IS NULL OR m.attached OR t.typowner <> ALL (m.owners))) AS types,
       ARRAY(SELECT t.oid FROM type t WHERE t.granted) AS granted_types,
       ARRAY(SELECT DISTINCT o.part
               FROM other o
               LEFT JOIN member m ON m.classid = o.class AND m.objid = o.oid
              WHERE m.objid IS NULL OR m.attached OR o.owner IS NULL OR o.owner <> ALL (m.owners)
                 OR m.scripted AND o.changed < m.made) AS parts,
       -- Whether anything was changed that an extension's script made, or attached to it: member_aged.sql.
       EXISTS (SELECT FROM member m
                WHERE m.attached
                   OR m.scripted AND m.classid = 'pg_class'::regclass
                      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = m.objid AND a.attnum > 0 AND age(a.xmin) < m.made)
                   OR m.scripted AND m.classid = 'pg_proc'::regclass
                      AND EXISTS (SELECT FROM pg_proc p WHERE p.oid = m.objid AND age(p.xmin) < m.made)
                   OR m.scripted AND m.classid = 'pg_class'::regclass
                      AND (EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = m.objid AND age(t.xmin) < m.made)
                           OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = m.objid AND age(r.xmin) < m.made)
                           OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = m.objid AND age(p.xmin) < m.made)
                           OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = m.objid AND age(k.xmin) < m.made)
                           OR EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = m.objid AND age(d.xmin) < m.made)
                           OR EXISTS (SELECT FROM pg_class c
                                       WHERE c.oid = m.objid AND age(c.xmin) < m.made
                                         AND (c.relowner <> ALL (m.owners) OR c.relrowsecurity OR c.relforcerowsecurity OR c.relpersistence = 'u')))
                   OR m.scripted AND m.classid = 'pg_event_trigger'::regclass
                      AND EXISTS (SELECT FROM pg_event_trigger t WHERE t.oid = m.objid AND t.evtenabled <> 'O' AND age(t.xmin) < m.made))
       OR EXISTS (SELECT FROM pg_init_privs i JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid
                   WHERE m.scripted AND age(i.xmin) < m.made) AS changed,
       coalesce(moved.extensions, '{}') AS moved,
       coalesce(moved.what, '{}') AS moved_what,
       coalesce(updated.extensions, '{}') AS updated,
       coalesce(updated.what, '{}') AS updated_what
  -- SET SCHEMA writes the rows of an extension's members anew, and the extension's own: nothing tells any more what was changed before, but
  -- that what somebody replaced has none of the dependencies left that it had when it became a member. Of each such extension one member.
  FROM (SELECT array_agg(v.extension ORDER BY v.extension) AS extensions, array_agg(v.what ORDER BY v.extension) AS what
          FROM (SELECT d.extension, min(pg_describe_object(d.classid, d.objid, 0)) AS what
                  FROM (SELECT e.*, max(e.age) OVER (PARTITION BY e.extension_oid) AS oldest FROM entry e) d
                  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
                 WHERE d.made IS NOT NULL
                   AND d.created < d.oldest
                   AND CASE WHEN p.oid IS NOT NULL THEN
                                p.prosecdef OR p.proleakproof OR p.proconfig IS NOT NULL
                                OR (p.prolang = 13 AND p.probin = '$libdir/' || d.extension) IS NOT TRUE
                                   AND NOT EXISTS (SELECT FROM pg_depend n
                                                    WHERE n.classid = d.classid AND n.objid = d.objid AND n.deptype = 'n'
                                                      AND n.refclassid <> 'pg_namespace'::regclass AND age(n.xmin) >= d.age)
                            WHEN d.classid = 'pg_class'::regclass THEN
                                EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = d.objid AND age(r.xmin) < d.age)
                                OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = d.objid)
                                OR EXISTS (SELECT FROM pg_policy o WHERE o.polrelid = d.objid)
                                OR EXISTS (SELECT FROM pg_attrdef a WHERE a.adrelid = d.objid AND age(a.xmin) < d.age)
                                OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = d.objid AND k.contype IN ('c', 'f'))
                                OR EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND (c.relrowsecurity OR c.relforcerowsecurity OR c.relpersistence = 'u'))
                       END
                 GROUP BY d.extension) v) moved,
       -- What was replaced after it became a member and before the last UPDATE, which wrote the row in pg_extension anew: by an earlier UPDATE
       -- that made no member, or by somebody. What runs the extension's own library is as good as it was.
       (SELECT array_agg(v.extension ORDER BY v.extension) AS extensions, array_agg(v.what ORDER BY v.extension) AS what
          FROM (SELECT d.extension, min(pg_describe_object(d.classid, d.objid, 0)) AS what
                  FROM entry d
                  JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
                 WHERE d.made < d.created
                   AND d.made < d.age
                   AND (p.prolang = 13 AND starts_with(p.probin, '$libdir/' || d.extension)) IS NOT TRUE
                   AND EXISTS (SELECT FROM pg_depend n
                                WHERE n.classid = d.classid AND n.objid = d.objid AND n.deptype = 'n'
                                  AND n.refclassid <> 'pg_namespace'::regclass AND age(n.xmin) > d.made AND age(n.xmin) < d.age
                                  AND NOT EXISTS (SELECT FROM entry o WHERE o.extension_oid = d.extension_oid AND o.age = age(n.xmin)))
                 GROUP BY d.extension) v) updated
