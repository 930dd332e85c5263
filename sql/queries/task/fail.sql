-- An attempt that failed by itself: back to waiting, each time for twice as long, while attempts are left; else set aside.
WITH ended AS (
    UPDATE ildb.task
    SET
        status = CASE WHEN attempts < :max_attempts AND :may_retry THEN 'waiting' ELSE 'failed' END,
        available_at = clock_timestamp() + make_interval(secs => :backoff_s * 2 ^ least(attempts - 1, 12)),
        error = :error,
        traceback = :traceback,
        lease_expires_at = NULL,
        worker_id = :worker_id,
        finished_at = clock_timestamp()
    WHERE id = :task_id AND lease_token = :lease_token AND status = 'running'
    RETURNING *
),

kept AS (
    INSERT INTO ildb.task_attempt (
        task_id, lease_token, outcome, host, pid, worker_id, error, traceback, started_at, ended_at
    )
    SELECT
        id,
        lease_token,
        'failed',
        host,
        pid,
        worker_id,
        error,
        traceback,
        started_at,
        finished_at
    FROM ended
)

SELECT status FROM ended
