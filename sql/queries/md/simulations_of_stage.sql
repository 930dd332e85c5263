-- The simulations of a stage that could be built.
SELECT
    id,
    pairing_id
FROM ildb.md_simulation
WHERE stage_run_id = :stage_run_id AND refusal IS NULL
ORDER BY id
