-- Takes back everything in this database. The roles stay: other databases of the cluster may use them.
ALTER DEFAULT PRIVILEGES IN SCHEMA ildb
REVOKE SELECT ON TABLES FROM ildb_owner, ildb_curator, ildb_runner, ildb_reader;
REVOKE ALL ON ALL TABLES IN SCHEMA ildb FROM ildb_owner, ildb_curator, ildb_runner, ildb_reader;
REVOKE ALL ON SCHEMA ildb FROM ildb_owner, ildb_curator, ildb_runner, ildb_reader;
