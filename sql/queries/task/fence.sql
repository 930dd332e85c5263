-- Hold the rows of tasks for the transaction that stores their results, where the lease is still ours.
SELECT t.id
FROM unnest(cast(:ids AS bigint []), cast(:tokens AS bigint [])) AS held (id, lease_token)
INNER JOIN ildb.task AS t ON held.id = t.id AND held.lease_token = t.lease_token
INNER JOIN ildb.stage_run AS s ON t.stage_run_id = s.id
WHERE t.status = 'running' AND s.status = 'running'
ORDER BY t.id
FOR UPDATE OF t
