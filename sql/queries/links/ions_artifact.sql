-- The table of ions that a stage planned with.
SELECT sha256 FROM ildb.artifact
WHERE stage_run_id = :stage_run_id AND kind = 'links_ions'
