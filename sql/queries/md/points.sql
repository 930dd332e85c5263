-- Points of simulations, in the order in which they were simulated.
SELECT *
FROM ildb.md_point
WHERE simulation_id = ANY(CAST(:ids AS bigint []))
ORDER BY simulation_id, seed, id
