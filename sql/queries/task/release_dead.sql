-- Leases of a runner on this host whose process is gone need not run out first.
UPDATE ildb.task
SET status = 'waiting', lease_expires_at = NULL
WHERE stage_run_id = :stage_run_id AND status = 'running' AND host = :host AND pid = any(cast(:pids AS bigint []))
