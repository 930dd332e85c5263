-- Extend the leases of tasks in hand; a task missing from the answer was taken over or its run was cancelled.
UPDATE ildb.task AS t
SET lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s)
FROM unnest(cast(:ids AS bigint []), cast(:tokens AS bigint [])) AS held (id, lease_token)
WHERE
    t.id = held.id
    AND t.lease_token = held.lease_token
    AND t.status = 'running'
    AND EXISTS (SELECT FROM ildb.stage_run AS s WHERE s.id = t.stage_run_id AND s.status = 'running')
RETURNING t.id
