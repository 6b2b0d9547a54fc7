-- Logical replication slots on this database; physical ones belong to no database.
SELECT slot_name::text AS name, coalesce(plugin::text, '') AS plugin, active
  FROM pg_replication_slots
 WHERE database = current_database()
 ORDER BY 1
