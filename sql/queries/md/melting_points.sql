-- Fits of a simulation, newest run first, all points before the single passes.
SELECT *
FROM ildb.md_melting_point
WHERE simulation_id = :simulation_id
ORDER BY run_id DESC, id
