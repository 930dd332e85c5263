UPDATE ildb.stage_run
SET
    status = 'succeeded',
    result = :result,
    error = NULL,
    finished_at = now(),
    wall_s = extract(EPOCH FROM now() - started_at)
WHERE id = :stage_run_id
