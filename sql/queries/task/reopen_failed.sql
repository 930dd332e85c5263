-- A resumed run tries its failed tasks anew, and every task has all its attempts again.
UPDATE ildb.task AS t
SET status = 'waiting', attempts = 0, losses = 0, available_at = NULL
FROM ildb.stage_run AS s
WHERE
    t.stage_run_id = s.id
    AND s.run_id = :run_id
    AND s.status NOT IN ('succeeded', 'reused')
    AND (t.status = 'failed' OR (t.status = 'waiting' AND (t.attempts > 0 OR t.losses > 0)))
