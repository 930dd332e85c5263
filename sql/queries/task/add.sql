INSERT INTO ildb.task (stage_run_id, position, payload) VALUES (:stage_run_id, :position, :payload)
