-- The lines of pg_hba.conf, also those that the server cannot read: with one of those the file on disk is not what is in force
-- (pg_hba_file_rules shows the file).
SELECT line_number AS line, coalesce(type, '') AS kind,
       coalesce(array_to_string(database, ','), '') AS databases, coalesce(array_to_string(user_name, ','), '') AS roles,
       concat_ws('/', address, netmask) AS address,
       CASE WHEN error IS NULL THEN auth_method ELSE 'error: ' || error END AS method
  FROM pg_hba_file_rules
 ORDER BY 1
