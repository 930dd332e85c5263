-- Attempts of a run that came to nothing, by stage and by the first line of the reason.
SELECT
    s.name AS stage,
    a.outcome,
    left(split_part(a.error, e'\n', 1), 120) AS reason,
    count(*) AS n
FROM ildb.task_attempt AS a
INNER JOIN ildb.task AS t ON a.task_id = t.id
INNER JOIN ildb.stage_run AS s ON t.stage_run_id = s.id
WHERE s.run_id = :run_id
GROUP BY s.name, a.outcome, reason
ORDER BY n DESC, stage, reason
