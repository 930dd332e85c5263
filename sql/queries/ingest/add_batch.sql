INSERT INTO ildb.ingest_batch (source_id, sha256, n_read, n_quarantined, reasons)
VALUES (:source_id, :sha256, :n_read, :n_quarantined, cast(:reasons AS jsonb))
ON CONFLICT DO NOTHING
