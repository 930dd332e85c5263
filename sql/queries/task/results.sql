SELECT result FROM ildb.task WHERE stage_run_id = :stage_run_id ORDER BY position
