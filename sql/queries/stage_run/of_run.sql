-- Stages of a run in order, with their tasks counted.
SELECT
    s.*,
    (SELECT count(*) FROM ildb.task AS t WHERE t.stage_run_id = s.id) AS n_tasks,
    (SELECT count(*) FROM ildb.task AS t WHERE t.stage_run_id = s.id AND t.status = 'succeeded') AS n_done
FROM ildb.stage_run AS s
WHERE s.run_id = :run_id
ORDER BY s.position
