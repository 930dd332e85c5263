UPDATE ildb.stage_run
SET
    status = 'reused',
    stage_key = :stage_key,
    made_of = :made_of,
    reused_from_id = :reused_from_id,
    result = :result,
    error = NULL,
    started_at = now(),
    finished_at = now(),
    wall_s = 0
WHERE id = :stage_run_id
