-- What tells this database from any other, whatever its address.
SELECT
    system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS identity
FROM pg_control_system()
