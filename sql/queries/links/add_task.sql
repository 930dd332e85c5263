-- One more task for a stage that is running, after all others; called while the task it follows from is being stored.
INSERT INTO ildb.task (stage_run_id, position, payload)
SELECT :stage_run_id, max(t.position) + 1, :payload
FROM ildb.task AS t
WHERE t.stage_run_id = :stage_run_id
