-- Finished generating stages that have fewer rows than they made draws: some draw would be unaccounted for.
SELECT
    s.id AS stage_run_id,
    s.result ->> 'n_draws' AS n_draws,
    count(g.position) AS n_rows
FROM ildb.stage_run AS s
LEFT JOIN ildb.generated_molecule AS g ON s.id = g.stage_run_id
WHERE s.uses IN ('generate.enumerate', 'generate.sample') AND s.status = 'succeeded'
GROUP BY s.id
HAVING count(g.position) <> cast(s.result ->> 'n_draws' AS bigint)
