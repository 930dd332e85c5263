SELECT * FROM ildb.stage_run WHERE id = :stage_run_id
