SELECT r.age, r.command
  FROM (SELECT age(a.xmin), a.cmin::text::int8 FROM pg_attribute a WHERE d.classid = 'pg_class'::regclass AND a.attrelid = d.objid AND a.attnum = -1
        UNION ALL SELECT age(c.xmin), c.cmin::text::int8 FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
        UNION ALL SELECT age(p.xmin), p.cmin::text::int8 FROM pg_proc p WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid
        UNION ALL SELECT age(t.xmin), t.cmin::text::int8 FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
        UNION ALL SELECT age(n.xmin), n.cmin::text::int8 FROM pg_namespace n WHERE d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
        UNION ALL SELECT age(f.xmin), f.cmin::text::int8 FROM pg_foreign_data_wrapper f
                   WHERE d.classid = 'pg_foreign_data_wrapper'::regclass AND f.oid = d.objid
        UNION ALL SELECT age(o.xmin), o.cmin::text::int8 FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid AND o.deptype <> 'e'
       ) r(age, command)
 ORDER BY r.age DESC, r.command
 LIMIT 1
