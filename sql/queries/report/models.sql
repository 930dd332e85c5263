-- The models that a stage trained, the last first, with the data they were trained on.
SELECT
    m.id,
    m.kind,
    m.metrics,
    m.params,
    m.seed,
    d.n_rows AS snapshot_n_rows
FROM ildb.model AS m
INNER JOIN ildb.dataset_snapshot AS d ON m.snapshot_id = d.id
WHERE m.stage_run_id = :stage_run_id
ORDER BY m.id DESC
