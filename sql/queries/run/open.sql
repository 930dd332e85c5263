-- A run is worked on (again), cancelled or failed as it may have been.
UPDATE ildb.run SET status = 'running', error = NULL, finished_at = NULL
WHERE id = :run_id AND status <> 'succeeded'
