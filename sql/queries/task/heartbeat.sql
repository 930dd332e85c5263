-- Extend the leases of tasks in hand. One whose result is being stored is locked and needs no lease; one that was taken
-- over, or whose run was cancelled, is not ours any more.
WITH mine AS (
    SELECT t.id
    FROM unnest(cast(:ids AS bigint []), cast(:tokens AS bigint [])) AS held (id, lease_token)
    INNER JOIN ildb.task AS t ON held.id = t.id AND held.lease_token = t.lease_token
    INNER JOIN ildb.stage_run AS s ON t.stage_run_id = s.id
    WHERE t.status = 'running' AND s.status = 'running'
    FOR UPDATE OF t SKIP LOCKED
)

UPDATE ildb.task AS t
SET lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s)
FROM mine
WHERE t.id = mine.id
