INSERT INTO ildb.ingest (
    source_id, n_read, n_inserted, n_existing, n_quarantined, code_version, started_at, finished_at
)
VALUES (:source_id, :n_read, :n_inserted, :n_existing, :n_quarantined, :code_version, :started_at, clock_timestamp())
