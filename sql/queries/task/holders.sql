-- What runners of this host hold.
SELECT
    id,
    lease_token,
    pid
FROM ildb.task
WHERE stage_run_id = :stage_run_id AND status = 'running' AND host = :host
