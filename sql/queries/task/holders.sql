SELECT DISTINCT pid
FROM ildb.task
WHERE stage_run_id = :stage_run_id AND status = 'running' AND host = :host
