-- Models with the stage that trained them and the file they are in.
SELECT
    m.id,
    m.kind,
    m.run_id,
    g.name AS stage,
    g.uses,
    m.snapshot_id,
    m.seed,
    m.versions,
    m.created_at,
    f.path AS artifact_path,
    f.sha256 AS artifact_sha256
FROM ildb.model AS m
INNER JOIN ildb.stage_run AS g ON m.stage_run_id = g.id
INNER JOIN ildb.artifact AS f ON m.artifact_id = f.id
WHERE m.id = ANY(CAST(:ids AS bigint[]))
ORDER BY m.id
