-- How far a stage is, and what became of it meanwhile.
SELECT
    count(*) AS n_tasks,
    count(*) FILTER (WHERE status = 'succeeded') AS n_done,
    count(*) FILTER (WHERE status = 'failed') AS n_failed,
    (SELECT s.status FROM ildb.stage_run AS s WHERE s.id = :stage_run_id) AS stage_status,
    (SELECT s.error FROM ildb.stage_run AS s WHERE s.id = :stage_run_id) AS stage_error
FROM ildb.task
WHERE stage_run_id = :stage_run_id
