UPDATE ildb.stage_run
SET
    status = 'succeeded',
    result = :result,
    device = :device,
    error = NULL,
    finished_at = clock_timestamp(),
    wall_s = extract(EPOCH FROM clock_timestamp() - started_at)
WHERE id = :stage_run_id
