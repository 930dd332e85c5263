-- Stages of a run in order, with their tasks counted.
SELECT
    s.*,
    t.n_tasks,
    t.n_done,
    t.n_running,
    t.n_failed,
    t.tasks_wall_s
FROM ildb.stage_run AS s
CROSS JOIN LATERAL (
    SELECT
        count(*) AS n_tasks,
        count(*) FILTER (WHERE task.status = 'succeeded') AS n_done,
        count(*) FILTER (WHERE task.status = 'running') AS n_running,
        count(*) FILTER (WHERE task.status = 'failed') AS n_failed,
        sum(task.wall_s) AS tasks_wall_s
    FROM ildb.task
    WHERE task.stage_run_id = s.id
) AS t
WHERE s.run_id = :run_id
ORDER BY s.position
