SELECT
    snapshot_id,
    seed,
    params
FROM ildb.model
WHERE id = :model_id
