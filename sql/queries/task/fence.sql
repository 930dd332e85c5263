-- Hold the task's row for the transaction that stores its result, if the lease is still ours.
SELECT t.id
FROM ildb.task AS t
INNER JOIN ildb.stage_run AS s ON t.stage_run_id = s.id
WHERE t.id = :task_id AND t.lease_token = :lease_token AND t.status = 'running' AND s.status = 'running'
FOR UPDATE OF t
