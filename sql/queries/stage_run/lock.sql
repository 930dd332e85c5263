-- The stage's row, held until commit, so that it is planned once and finished once.
SELECT * FROM ildb.stage_run WHERE id = :stage_run_id FOR UPDATE
