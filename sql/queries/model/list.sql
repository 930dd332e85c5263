-- Trained models, newest first.
SELECT
    m.id,
    m.kind,
    m.run_id,
    m.snapshot_id,
    d.n_rows,
    m.seed,
    m.metrics,
    m.created_at
FROM ildb.model AS m
INNER JOIN ildb.dataset_snapshot AS d ON m.snapshot_id = d.id
WHERE m.kind = CAST(:kind AS text) OR CAST(:kind AS text) IS NULL
ORDER BY m.id DESC
