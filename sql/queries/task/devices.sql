-- What a stage's results were computed on.
SELECT string_agg(DISTINCT w.device, ', ' ORDER BY w.device) AS devices
FROM ildb.worker AS w
WHERE w.id IN (SELECT t.worker_id FROM ildb.task AS t WHERE t.stage_run_id = :stage_run_id)
