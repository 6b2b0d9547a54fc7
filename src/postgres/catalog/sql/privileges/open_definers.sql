-- Functions that run with their owner's rights and that PUBLIC may call, which is the default (acldefault).
SELECT 'function' AS kind, n.nspname::text AS schema, '' AS parent, p.proname::text AS name, oidvectortypes(p.proargtypes) AS arguments
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.oid >= 16384
   AND p.prosecdef
   AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
