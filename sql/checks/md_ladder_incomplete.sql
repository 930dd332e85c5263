-- Ladders of a finished stage that lack points.
SELECT
    s.id AS simulation_id,
    count(p.id) AS n_points,
    cardinality(s.temperatures_k) * cardinality(s.passes) * s.n_seeds AS n_planned
FROM ildb.md_simulation AS s
INNER JOIN ildb.stage_run AS r ON s.stage_run_id = r.id
LEFT JOIN ildb.md_point AS p ON s.id = p.simulation_id
WHERE r.status = 'succeeded' AND s.refusal IS NULL
GROUP BY s.id
HAVING count(p.id) < cardinality(s.temperatures_k) * cardinality(s.passes) * s.n_seeds
