-- Event triggers that fire for an ordinary session, and are no extension's.
SELECT pg_catalog.quote_ident(t.evtname), t.evtevent::text,
       pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(p.proname),
       p.proname::text, pg_catalog.pg_get_userbyid(t.evtowner)::text
FROM pg_catalog.pg_event_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE t.evtenabled IN ('O', 'A') AND t.evtevent <> 'login'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e')
ORDER BY t.evtname
