SELECT position, attempts, error, traceback
FROM ildb.task
WHERE stage_run_id = :stage_run_id AND status = 'failed'
ORDER BY position
LIMIT 1
