-- Stages called finished while some of their work is not.
SELECT
    g.id,
    g.run_id,
    g.name,
    count(*) AS n_open
FROM ildb.stage_run AS g
INNER JOIN ildb.task AS t ON g.id = t.stage_run_id
WHERE g.status = 'succeeded' AND t.status <> 'succeeded'
GROUP BY g.id
