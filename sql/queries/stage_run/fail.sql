UPDATE ildb.stage_run
SET status = 'failed', error = :error, finished_at = now()
WHERE id = :stage_run_id AND status IN ('waiting', 'running')
