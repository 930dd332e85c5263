-- Batches of records that a source has brought before.
SELECT
    sha256,
    n_quarantined,
    reasons
FROM ildb.ingest_batch
WHERE source_id = :source_id
