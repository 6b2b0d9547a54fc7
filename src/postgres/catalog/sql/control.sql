-- The cluster's identifier; a server shows this unsigned number as a signed one.
SELECT system_identifier AS identifier FROM pg_control_system()
