-- Lease waiting tasks whose time has come, and running ones whose lease ran out, to this runner; urgent ones first. The
-- token grows with every lease, so a late worker of an earlier lease cannot store its result. What this runner still
-- works on is left out: after a long sleep its own leases have run out, too. A task that was lost too often is set aside.
WITH open_task AS (
    SELECT
        id,
        status,
        lease_token,
        host,
        pid,
        started_at
    FROM ildb.task
    WHERE
        stage_run_id = :stage_run_id
        AND status IN ('waiting', 'running')
        AND id <> ALL(cast(:held AS bigint []))
        AND CASE status
            WHEN 'waiting' THEN coalesce(available_at <= clock_timestamp(), true)
            ELSE lease_expires_at < clock_timestamp()
        END
    ORDER BY priority DESC, position
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
),

lost AS (
    INSERT INTO ildb.task_attempt (task_id, lease_token, outcome, host, pid, started_at, error)
    SELECT
        id,
        lease_token,
        'lost',
        host,
        pid,
        started_at,
        'its runner fell silent'
    FROM open_task
    WHERE status = 'running'
)

UPDATE ildb.task AS t
SET
    status = CASE WHEN o.status = 'running' AND t.losses + 1 >= :max_losses THEN 'failed' ELSE 'running' END,
    error = CASE WHEN o.status = 'running' THEN 'its runner fell silent' ELSE t.error END,
    attempts = t.attempts + CASE o.status WHEN 'waiting' THEN 1 ELSE 0 END,
    losses = t.losses + CASE o.status WHEN 'waiting' THEN 0 ELSE 1 END,
    lease_token = t.lease_token + 1,
    lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s),
    available_at = NULL,
    host = :host,
    pid = :pid,
    worker_id = NULL,
    started_at = clock_timestamp(),
    finished_at = NULL
FROM open_task AS o
WHERE t.id = o.id
RETURNING t.id, t.position, t.payload, t.lease_token, t.losses, t.status
