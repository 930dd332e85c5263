SELECT
    count(*) AS n_tasks,
    count(*) FILTER (WHERE status = 'succeeded') AS n_done,
    count(*) FILTER (WHERE status = 'failed') AS n_failed,
    count(*) FILTER (WHERE status = 'waiting') AS n_waiting,
    count(*) FILTER (WHERE status = 'running') AS n_running
FROM ildb.task
WHERE stage_run_id = :stage_run_id
