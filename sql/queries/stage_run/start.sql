UPDATE ildb.stage_run
SET
    status = 'running',
    stage_key = :stage_key,
    version = :version,
    started_at = now(),
    error = NULL,
    host = :host,
    device = :device,
    seed = :seed,
    versions = :versions,
    git_commit = :git_commit
WHERE id = :stage_run_id
