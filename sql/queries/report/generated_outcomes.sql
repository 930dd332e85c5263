-- What became of the strings that a run's stages drew.
SELECT
    method,
    outcome,
    count(*) AS n_drawn
FROM ildb.generated_molecule
WHERE stage_run_id = any(cast(:stage_run_ids AS bigint []))
GROUP BY method, outcome
ORDER BY method ASC, n_drawn DESC, outcome ASC
