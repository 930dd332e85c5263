-- Least privilege, table by table. Columns are named where only some may change.
GRANT USAGE ON SCHEMA ildb TO ildb_owner, ildb_curator, ildb_runner, ildb_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ildb TO ildb_owner, ildb_curator, ildb_runner, ildb_reader;
-- What later migrations make may be read without another word; to be written, it must be granted.
ALTER DEFAULT PRIVILEGES IN SCHEMA ildb GRANT SELECT ON TABLES TO ildb_owner, ildb_curator, ildb_runner, ildb_reader;

-- The curator reads sources in and decides on what was refused.
GRANT INSERT, UPDATE (citation, doi, url, licence, retrieved_at) ON ildb.source TO ildb_curator;
GRANT INSERT, UPDATE (status, resolution, resolved_at) ON ildb.quarantine TO ildb_curator;
GRANT INSERT ON ildb.ingest, ildb.ion_alias, ildb.pairing, ildb.pairing_evidence, ildb.measurement TO ildb_curator;
GRANT INSERT, UPDATE (flags) ON ildb.ion TO ildb_curator;
GRANT INSERT, DELETE ON ildb.ion_structure TO ildb_curator;

-- The runner keeps the books of runs and adds what they found; it changes no fact.
GRANT INSERT, UPDATE (status, error, finished_at) ON ildb.run TO ildb_runner;
GRANT INSERT, UPDATE ON ildb.stage_run, ildb.task TO ildb_runner;
GRANT INSERT, UPDATE (path) ON ildb.artifact TO ildb_runner;
GRANT INSERT ON ildb.dataset_snapshot, ildb.snapshot_row, ildb.model TO ildb_runner;
GRANT INSERT ON ildb.link_score, ildb.melting_score, ildb.screening_decision TO ildb_runner;
GRANT INSERT ON ildb.ion_alias, ildb.pairing, ildb.pairing_evidence, ildb.measurement TO ildb_runner;
GRANT INSERT, UPDATE (flags) ON ildb.ion TO ildb_runner;
GRANT INSERT ON ildb.ion_structure TO ildb_runner;
