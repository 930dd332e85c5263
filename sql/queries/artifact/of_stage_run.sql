SELECT sha256, n_bytes FROM ildb.artifact WHERE stage_run_id = :stage_run_id
