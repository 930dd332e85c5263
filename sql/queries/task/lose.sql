-- Tasks that went down with a worker or a host and may not be to blame: they wait again and the attempt does not count.
-- One that this befalls too often is set aside.
WITH ended AS (
    UPDATE ildb.task AS t
    SET
        status = CASE WHEN t.losses + 1 < :max_losses THEN 'waiting' ELSE 'failed' END,
        attempts = greatest(t.attempts - 1, 0),
        losses = t.losses + 1,
        error = :error,
        traceback = NULL,
        lease_expires_at = NULL,
        finished_at = clock_timestamp()
    FROM unnest(cast(:ids AS bigint []), cast(:tokens AS bigint [])) AS held (id, lease_token)
    WHERE t.id = held.id AND t.lease_token = held.lease_token AND t.status = 'running'
    RETURNING t.*
)

INSERT INTO ildb.task_attempt (task_id, lease_token, outcome, host, pid, error, started_at, ended_at)
SELECT
    id,
    lease_token,
    'lost',
    host,
    pid,
    error,
    started_at,
    finished_at
FROM ended
