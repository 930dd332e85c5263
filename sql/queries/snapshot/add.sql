INSERT INTO ildb.dataset_snapshot (run_id, kind, sha256, n_rows)
VALUES (:run_id, :kind, :sha256, :n_rows)
ON CONFLICT (kind, sha256) DO NOTHING
RETURNING id
