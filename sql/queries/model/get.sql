-- A model with its run, stage, file and snapshot.
SELECT
    m.id,
    m.kind,
    m.run_id,
    r.recipe_name AS recipe,
    g.name AS stage,
    g.uses,
    m.metrics,
    m.params,
    m.seed,
    m.versions,
    m.created_at,
    m.snapshot_id,
    d.kind AS snapshot_kind,
    d.sha256 AS snapshot_sha256,
    d.n_rows AS snapshot_n_rows,
    f.path AS artifact_path,
    f.sha256 AS artifact_sha256,
    f.n_bytes AS artifact_n_bytes
FROM ildb.model AS m
INNER JOIN ildb.run AS r ON m.run_id = r.id
INNER JOIN ildb.stage_run AS g ON m.stage_run_id = g.id
INNER JOIN ildb.dataset_snapshot AS d ON m.snapshot_id = d.id
INNER JOIN ildb.artifact AS f ON m.artifact_id = f.id
WHERE m.id = CAST(:model_id AS numeric)
