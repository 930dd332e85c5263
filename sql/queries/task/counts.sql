-- How far a stage is.
SELECT
    count(*) AS n_tasks,
    count(*) FILTER (WHERE status = 'succeeded') AS n_done
FROM ildb.task
WHERE stage_run_id = :stage_run_id
