-- A model, to be entered again with more figures.
SELECT
    artifact_id,
    snapshot_id,
    params,
    metrics,
    seed
FROM ildb.model
WHERE id = :model_id
