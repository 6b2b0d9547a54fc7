-- Settings that load code or copy rows out of the server, or hold a connection string: those in force, and those that a file holds
-- (pg_file_settings, ALTER SYSTEM included) and a reload or a restart will bring.
WITH file AS (
    SELECT DISTINCT ON (lower(f.name)) lower(f.name) AS name, f.setting
      FROM pg_file_settings f
     WHERE f.name IS NOT NULL
     ORDER BY lower(f.name), f.seqno DESC
),
wanted(name) AS (
    VALUES ('primary_conninfo'), ('archive_command'), ('archive_library'), ('archive_cleanup_command'), ('restore_command'),
           ('recovery_end_command'), ('shared_preload_libraries'), ('session_preload_libraries'), ('local_preload_libraries'),
           ('jit_provider'), ('oauth_validator_libraries')
),
-- Those that every session begins with. dbctl's own sessions change them, so only the file says what others get.
begun(name) AS (VALUES ('search_path'), ('session_replication_role'), ('lo_compat_privileges'), ('dynamic_library_path'),
                           ('event_triggers'), ('allow_system_table_mods'), ('extension_control_path'))
SELECT s.name AS name, s.setting AS value, false AS pending
  FROM pg_settings s
 WHERE (s.name IN (SELECT w.name FROM wanted w) OR s.setting ~* '(postgres(ql)?://|\m(host|hostaddr|dbname)\s*=)')
   -- Its `host=%h` is no address.
   AND s.name <> 'log_line_prefix'
   -- What an archive_command shows while archive_mode is off.
   AND s.setting NOT IN ('', '(disabled)')
UNION ALL
SELECT f.name, f.setting, true
  FROM file f
 WHERE (f.name IN (SELECT w.name FROM wanted w) OR f.setting ~* '(postgres(ql)?://|\m(host|hostaddr|dbname)\s*=)')
   AND f.name <> 'log_line_prefix'
   AND f.setting <> ''
   AND NOT EXISTS (SELECT FROM pg_settings s WHERE lower(s.name) = f.name AND s.setting = f.setting)
UNION ALL
-- Whose lines a restart puts in force: pg_hba_file_rules shows those of the file that is read now. A path is made absolute.
SELECT f.name, f.setting, true
  FROM file f
  JOIN pg_settings s ON s.name = f.name
 WHERE f.name IN ('hba_file', 'ident_file')
   AND right('/' || s.setting, length(f.setting) + 1) <> '/' || f.setting
   AND s.setting <> f.setting
UNION ALL
SELECT f.name, f.setting, false
  FROM file f
 WHERE f.name IN (SELECT b.name FROM begun b)
 ORDER BY 1, 3
