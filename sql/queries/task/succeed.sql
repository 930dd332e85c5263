UPDATE ildb.task
SET
    status = 'succeeded',
    result = :result,
    error = NULL,
    traceback = NULL,
    lease_expires_at = NULL,
    wall_s = :wall_s,
    finished_at = clock_timestamp()
WHERE id = :task_id
