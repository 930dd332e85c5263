UPDATE ildb.stage_run
SET
    status = 'running',
    stage_key = :stage_key,
    made_of = :made_of,
    version = :version,
    started_at = now(),
    error = NULL,
    host = :host,
    seed = :seed,
    versions = :versions,
    git_commit = :git_commit
WHERE id = :stage_run_id
