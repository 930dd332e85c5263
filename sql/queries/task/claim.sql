-- Lease waiting tasks, and running ones whose lease ran out, to this runner. The token grows with every lease,
-- so a late worker of an earlier lease cannot store its result. What this runner still works on is left out: after
-- a long sleep its own leases have run out, too.
WITH open_task AS (
    SELECT id
    FROM ildb.task
    WHERE
        stage_run_id = :stage_run_id
        AND id <> ALL(cast(:held AS bigint []))
        AND (status = 'waiting' OR (status = 'running' AND lease_expires_at < clock_timestamp()))
    ORDER BY position
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)

UPDATE ildb.task AS t
SET
    status = 'running',
    attempts = t.attempts + 1,
    lease_token = t.lease_token + 1,
    lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s),
    host = :host,
    pid = :pid,
    started_at = clock_timestamp()
FROM open_task
WHERE t.id = open_task.id
RETURNING t.id, t.position, t.payload, t.lease_token, t.attempts
