UPDATE ildb.stage_run
SET
    status = CASE WHEN EXISTS (SELECT FROM ildb.task AS t WHERE t.stage_run_id = stage_run.id) THEN 'running' ELSE 'waiting' END,
    error = NULL,
    finished_at = NULL
WHERE run_id = :run_id AND status IN ('failed', 'cancelled')
