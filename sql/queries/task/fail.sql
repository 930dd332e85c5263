-- Back to waiting while attempts are left, else failed for good.
UPDATE ildb.task
SET
    status = CASE WHEN attempts < :max_attempts AND :may_retry THEN 'waiting' ELSE 'failed' END,
    error = :error,
    traceback = :traceback,
    lease_expires_at = NULL,
    finished_at = clock_timestamp()
WHERE id = :task_id AND lease_token = :lease_token AND status = 'running'
RETURNING status
