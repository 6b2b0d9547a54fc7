-- Objects that few schemas have: operators, their classes and families, casts, conversions, text search, transforms, access methods.
SELECT 'operator' AS kind, n.nspname::text AS schema, '' AS parent, o.oprname::text AS name,
       concat_ws(', ', CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END,
                       CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END) AS arguments,
       pg_get_userbyid(o.oprowner)::text AS owner, m.extension,
       json_build_object('definition', concat_ws(', ', 'function = ' || o.oprcode::text, 'result = ' || format_type(o.oprresult, NULL),
           'commutator = ' || nullif(o.oprcom, 0)::regoperator::text, 'negator = ' || nullif(o.oprnegate, 0)::regoperator::text,
           'restrict = ' || nullif(o.oprrest::text, '-'), 'join = ' || nullif(o.oprjoin::text, '-'),
           CASE WHEN o.oprcanmerge THEN 'merges' END, CASE WHEN o.oprcanhash THEN 'hashes' END)) AS attributes
  FROM pg_operator o
  JOIN pg_namespace n ON n.oid = o.oprnamespace
  LEFT JOIN member m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid
 WHERE o.oid >= 16384
   AND {lasting}
   AND (m.objid IS NULL OR m.attached OR o.oprowner <> ALL (m.owners))
   -- A shell, which only another operator's COMMUTATOR or NEGATOR names.
   AND o.oprcode <> 0
UNION ALL
SELECT 'operator_class', n.nspname, '', c.opcname, a.amname::text, pg_get_userbyid(c.opcowner), m.extension,
       json_build_object('definition', concat_ws(' ', CASE WHEN c.opcdefault THEN 'DEFAULT' END, 'FOR', format_type(c.opcintype, NULL),
           (SELECT string_agg(format('OPERATOR %s %s', p.amopstrategy, p.amopopr::regoperator), ', ' ORDER BY p.amopstrategy, p.amopopr::regoperator::text)
              FROM pg_amop p WHERE p.amopfamily = c.opcfamily),
           (SELECT string_agg(format('FUNCTION %s %s', p.amprocnum, p.amproc), ', ' ORDER BY p.amprocnum, p.amproc::text)
              FROM pg_amproc p WHERE p.amprocfamily = c.opcfamily)))
  FROM pg_opclass c
  JOIN pg_namespace n ON n.oid = c.opcnamespace
  JOIN pg_am a ON a.oid = c.opcmethod
  LEFT JOIN member m ON m.classid = 'pg_opclass'::regclass AND m.objid = c.oid
 WHERE c.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR c.opcowner <> ALL (m.owners))
UNION ALL
-- CREATE OPERATOR CLASS makes a family of the same name.
SELECT 'operator_family', n.nspname, '', f.opfname, a.amname, pg_get_userbyid(f.opfowner), m.extension, json_build_object()
  FROM pg_opfamily f
  JOIN pg_namespace n ON n.oid = f.opfnamespace
  JOIN pg_am a ON a.oid = f.opfmethod
  LEFT JOIN member m ON m.classid = 'pg_opfamily'::regclass AND m.objid = f.oid
 WHERE f.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR f.opfowner <> ALL (m.owners))
   AND NOT EXISTS (SELECT FROM pg_opclass c WHERE c.opcfamily = f.oid AND c.opcname = f.opfname AND c.opcnamespace = f.opfnamespace)
UNION ALL
SELECT 'cast', '', '', format('%s AS %s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)), '', NULL, m.extension,
       json_build_object('definition', concat_ws(' ',
           CASE c.castmethod WHEN 'b' THEN 'WITHOUT FUNCTION' WHEN 'i' THEN 'WITH INOUT' ELSE 'WITH FUNCTION ' || c.castfunc::regprocedure::text END,
           CASE c.castcontext WHEN 'i' THEN 'AS IMPLICIT' WHEN 'a' THEN 'AS ASSIGNMENT' END))
  FROM pg_cast c
  LEFT JOIN member m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid
 WHERE c.oid >= 16384
   AND (m.objid IS NULL OR m.attached)
   -- A range type brings the cast to its multirange (deptype i).
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i' AND d.refclassid = 'pg_type'::regclass
                      AND c.castfunc IN (SELECT p.oid FROM pg_proc p WHERE p.prolang = 12 AND p.prosrc = 'multirange_constructor1'))
UNION ALL
SELECT 'conversion', n.nspname, '', c.conname, '', pg_get_userbyid(c.conowner), m.extension,
       json_build_object('definition', format('%s FOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT' ELSE '' END,
           pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc))
  FROM pg_conversion c
  JOIN pg_namespace n ON n.oid = c.connamespace
  LEFT JOIN member m ON m.classid = 'pg_conversion'::regclass AND m.objid = c.oid
 WHERE c.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR c.conowner <> ALL (m.owners))
UNION ALL
SELECT 'text_search_configuration', n.nspname, '', c.cfgname, '', pg_get_userbyid(c.cfgowner), m.extension,
       json_build_object('definition', concat_ws(', ', 'parser = ' || (SELECT p.prsname::text FROM pg_ts_parser p WHERE p.oid = c.cfgparser),
           (SELECT string_agg(format('%s: %s', t.maptokentype, t.mapdict::regdictionary), ', ' ORDER BY t.maptokentype, t.mapseqno)
              FROM pg_ts_config_map t WHERE t.mapcfg = c.oid)))
  FROM pg_ts_config c
  JOIN pg_namespace n ON n.oid = c.cfgnamespace
  LEFT JOIN member m ON m.classid = 'pg_ts_config'::regclass AND m.objid = c.oid
 WHERE c.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR c.cfgowner <> ALL (m.owners))
UNION ALL
SELECT 'text_search_dictionary', n.nspname, '', d.dictname, '', pg_get_userbyid(d.dictowner), m.extension,
       json_build_object('definition', concat_ws(', ', 'template = ' || (SELECT t.tmplname::text FROM pg_ts_template t WHERE t.oid = d.dicttemplate),
           d.dictinitoption))
  FROM pg_ts_dict d
  JOIN pg_namespace n ON n.oid = d.dictnamespace
  LEFT JOIN member m ON m.classid = 'pg_ts_dict'::regclass AND m.objid = d.oid
 WHERE d.oid >= 16384
   AND (m.objid IS NULL OR m.attached OR d.dictowner <> ALL (m.owners))
UNION ALL
SELECT 'text_search_parser', n.nspname, '', p.prsname, '', NULL, m.extension, json_build_object('definition', 'start = ' || p.prsstart::text)
  FROM pg_ts_parser p
  JOIN pg_namespace n ON n.oid = p.prsnamespace
  LEFT JOIN member m ON m.classid = 'pg_ts_parser'::regclass AND m.objid = p.oid
 WHERE p.oid >= 16384
   AND (m.objid IS NULL OR m.attached)
UNION ALL
SELECT 'text_search_template', n.nspname, '', t.tmplname, '', NULL, m.extension, json_build_object('definition', 'lexize = ' || t.tmpllexize::text)
  FROM pg_ts_template t
  JOIN pg_namespace n ON n.oid = t.tmplnamespace
  LEFT JOIN member m ON m.classid = 'pg_ts_template'::regclass AND m.objid = t.oid
 WHERE t.oid >= 16384
   AND (m.objid IS NULL OR m.attached)
UNION ALL
SELECT 'transform', '', '', format('FOR %s LANGUAGE %I', format_type(t.trftype, NULL), l.lanname), '', NULL, m.extension, json_build_object()
  FROM pg_transform t
  JOIN pg_language l ON l.oid = t.trflang
  LEFT JOIN member m ON m.classid = 'pg_transform'::regclass AND m.objid = t.oid
 WHERE t.oid >= 16384
   AND (m.objid IS NULL OR m.attached)
UNION ALL
SELECT 'access_method', '', '', a.amname, '', NULL, m.extension, json_build_object('definition', a.amhandler::text)
  FROM pg_am a
  LEFT JOIN member m ON m.classid = 'pg_am'::regclass AND m.objid = a.oid
 WHERE a.oid >= 16384
   AND (m.objid IS NULL OR m.attached)
