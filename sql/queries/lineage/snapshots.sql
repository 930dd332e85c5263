-- Data snapshots.
SELECT
    id,
    run_id,
    kind,
    sha256,
    n_rows,
    created_at
FROM ildb.dataset_snapshot
WHERE id = ANY(CAST(:ids AS bigint[]))
ORDER BY id
