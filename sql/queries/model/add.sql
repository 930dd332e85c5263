INSERT INTO ildb.model (run_id, stage_run_id, kind, artifact_id, snapshot_id, params, metrics, seed, versions)
VALUES (:run_id, :stage_run_id, :kind, :artifact_id, :snapshot_id, :params, :metrics, :seed, :versions)
RETURNING id
