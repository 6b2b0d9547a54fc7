-- Objects of the smaller catalogs: languages, collations, statistics, event triggers, publications.
SELECT 'language' AS kind, '' AS schema, '' AS parent, l.lanname::text AS name, '' AS arguments,
       pg_get_userbyid(l.lanowner)::text AS owner, m.extension,
       json_build_object('trusted', CASE WHEN NOT l.lanpltrusted THEN 'false' END) AS attributes
  FROM pg_language l
  LEFT JOIN member m ON m.classid = 'pg_language'::regclass AND m.objid = l.oid
 WHERE l.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR l.lanowner <> ALL (m.owners))
UNION ALL
-- The column for ICU's locale has another name in PostgreSQL 14 (none), 15 and 17: as JSON all of them can be asked for.
SELECT 'collation', n.nspname, '', c.collname, '', pg_get_userbyid(c.collowner), m.extension,
       json_build_object(
           'provider', CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
           'locale', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', to_jsonb(c) ->> 'collcollate'),
           'deterministic', CASE WHEN NOT c.collisdeterministic THEN 'false' END)
  FROM pg_collation c
  JOIN pg_namespace n ON n.oid = c.collnamespace
  LEFT JOIN member m ON m.classid = 'pg_collation'::regclass AND m.objid = c.oid
 WHERE c.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR c.collowner <> ALL (m.owners))
UNION ALL
SELECT 'statistics', n.nspname, '', s.stxname, '', pg_get_userbyid(s.stxowner), NULL,
       json_build_object('definition', pg_get_statisticsobjdef(s.oid))
  FROM pg_statistic_ext s
  JOIN pg_namespace n ON n.oid = s.stxnamespace
 WHERE s.oid >= 16384
UNION ALL
SELECT 'event_trigger', '', '', e.evtname, '', pg_get_userbyid(e.evtowner), m.extension,
       json_build_object(
           'event', e.evtevent::text,
           'function', e.evtfoid::regprocedure::text,
           'tags', (SELECT string_agg(t, ', ' ORDER BY t) FROM unnest(e.evttags) t),
           'enabled', CASE e.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
           'altered', CASE WHEN m.scripted AND age(e.xmin) < m.made THEN
               CASE e.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END END)
  FROM pg_event_trigger e
  LEFT JOIN member m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid
 WHERE e.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR e.evtowner <> ALL (m.owners)
        OR m.scripted AND e.evtenabled <> 'O' AND age(e.xmin) < m.made)
UNION ALL
SELECT 'publication', '', '', p.pubname, '', pg_get_userbyid(p.pubowner), NULL,
       json_build_object(
           'publishes', CASE WHEN p.puballtables THEN 'FOR ALL TABLES' ELSE nullif(concat_ws(', ',
               'FOR TABLE ' || (SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY n.nspname, c.relname)
                                  FROM pg_publication_rel r
                                  JOIN pg_class c ON c.oid = r.prrelid
                                  JOIN pg_namespace n ON n.oid = c.relnamespace
                                 WHERE r.prpubid = p.oid),
               -- FOR TABLES IN SCHEMA (PostgreSQL 15, pg_publication_namespace) by its two dependencies, which 14 can be asked too.
               'FOR TABLES IN SCHEMA ' || (SELECT string_agg(quote_ident(n.nspname), ', ' ORDER BY n.nspname)
                                             FROM pg_depend pd
                                             JOIN pg_depend nd ON nd.classid = pd.classid AND nd.objid = pd.objid
                                                              AND nd.refclassid = 'pg_namespace'::regclass
                                             JOIN pg_namespace n ON n.oid = nd.refobjid
                                            WHERE pd.refclassid = 'pg_publication'::regclass AND pd.refobjid = p.oid)), '') END,
           'operations', nullif(concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                          CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END), ''))
  FROM pg_publication p
 WHERE p.oid >= 16384
