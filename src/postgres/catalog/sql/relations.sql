-- Tables, views, sequences among the relations $1, without TimescaleDB's chunks (`chunk`, those among $1) and its internals $2. The
-- server's own relations are known by their OID (FirstNormalObjectId), never by schema: an ordinary table may lie in pg_toast or
-- information_schema.
SELECT CASE c.relkind WHEN 'f' THEN 'foreign_table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view'
                      WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
       n.nspname::text AS schema, '' AS parent, c.relname::text AS name, '' AS arguments,
       pg_get_userbyid(c.relowner)::text AS owner, m.extension,
       json_build_object(
           'persistence', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
           'row_security', CASE WHEN c.relrowsecurity THEN 'true' END,
           'force_row_security', CASE WHEN c.relforcerowsecurity THEN 'true' END,
           'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
           'partition_of', CASE WHEN c.relispartition THEN parents.names END,
           'partition_bound', pg_get_expr(c.relpartbound, c.oid),
           'inherits', CASE WHEN NOT c.relispartition THEN parents.names END,
           'access_method', (SELECT am.amname::text FROM pg_am am WHERE am.oid = c.relam AND am.amname <> 'heap' AND c.relkind <> 'S'),
           'tablespace', (SELECT t.spcname::text FROM pg_tablespace t WHERE t.oid = c.reltablespace),
           'options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o),
           'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
           'row_type', CASE WHEN c.relkind IN ('v', 'm') THEN (
               SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END,
           'replica_identity', CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN CASE WHEN c.relkind IN ('r', 'p') THEN 'nothing' END
                                                   WHEN 'i' THEN 'index' END,
           'server', fs.srvname::text,
           'foreign_options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(ft.ftoptions) o
                                WHERE split_part(o, '=', 1) !~* 'pass|secret|token|user|key'),
           'type', format_type(s.seqtypid, NULL),
           'start', s.seqstart::text, 'min', s.seqmin::text, 'max', s.seqmax::text, 'increment', s.seqincrement::text,
           'cycle', CASE WHEN s.seqcycle THEN 'true' END,
           'owned_by', own.names,
           'replaced', CASE WHEN m.scripted AND c.relkind = 'v' AND c.relowner = ANY (m.owners) THEN 'true' END,
           'altered', CASE WHEN m.scripted AND age(c.xmin) < m.made THEN nullif(concat_ws(', ',
               CASE WHEN c.relowner <> ALL (m.owners) THEN 'OWNER TO ' || quote_ident(pg_get_userbyid(c.relowner)) END,
               CASE WHEN c.relrowsecurity THEN 'ROW LEVEL SECURITY' END, CASE WHEN c.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END,
               CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED' END), '') END
       ) AS attributes,
       c.oid AS oid,
       -- What this role cannot use: a closed schema, no right to read, or nothing left of an owner's rights to write.
       NOT has_schema_privilege(n.oid, 'USAGE') AS schema_shut,
       CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE, UPDATE')
            ELSE NOT has_any_column_privilege(c.oid, 'SELECT')
                 OR c.relkind IN ('r', 'p') AND pg_get_userbyid(c.relowner) = current_user
                    AND NOT (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))
       END AS shut
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
  LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
  LEFT JOIN pg_foreign_table ft ON ft.ftrelid = c.oid
  LEFT JOIN pg_foreign_server fs ON fs.oid = ft.ftserver
  LEFT JOIN LATERAL (
      SELECT string_agg(format('%I.%I', pn.nspname, p.relname), ', ' ORDER BY i.inhseqno) AS names
        FROM pg_inherits i
        JOIN pg_class p ON p.oid = i.inhparent
        JOIN pg_namespace pn ON pn.oid = p.relnamespace
       WHERE i.inhrelid = c.oid) parents ON true
  -- A sequence belongs to a column by serial or OWNED BY (deptype a), or implies nothing of its own by IDENTITY (deptype i).
  LEFT JOIN LATERAL (
      SELECT bool_or(d.deptype = 'i' AND a.attidentity <> '') AS identity,
             string_agg(format('%I.%I.%I', tn.nspname, t.relname, a.attname), ', ') AS names
        FROM pg_depend d
        JOIN pg_class t ON t.oid = d.refobjid
        JOIN pg_namespace tn ON tn.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
       WHERE c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')) own ON true
 WHERE c.oid = ANY ($1)
   AND c.oid >= 16384
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
   AND (c.relpersistence <> 't' OR n.nspname !~ '^pg_temp_')
   AND own.identity IS NOT TRUE
   AND (m.objid IS NULL OR m.attached OR c.relowner <> ALL (m.owners){replaced})
   -- A foreign table can be attached as a chunk (osm_chunk): it reaches out of the database, so it is never left out.
   AND (c.relkind = 'f' OR NOT (c.oid = ANY ($2) OR EXISTS (SELECT FROM chunk l WHERE l.oid = c.oid)))
