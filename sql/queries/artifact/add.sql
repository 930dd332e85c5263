INSERT INTO ildb.artifact (run_id, stage_run_id, kind, path, sha256, n_bytes)
VALUES (:run_id, :stage_run_id, :kind, :path, :sha256, :n_bytes)
ON CONFLICT (stage_run_id, kind, sha256) DO UPDATE SET path = excluded.path
RETURNING id
