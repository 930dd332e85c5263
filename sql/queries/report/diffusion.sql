-- Diffusion coefficients of simulated ladders, by temperature.
SELECT
    simulation_id,
    temperature_k,
    direction,
    seed,
    d_cation_m2_s,
    d_cation_error_m2_s,
    d_anion_m2_s,
    d_anion_error_m2_s,
    is_subdiffusive
FROM ildb.md_point
WHERE simulation_id = any(cast(:ids AS bigint [])) AND status = 'done'
ORDER BY simulation_id, temperature_k, direction, seed
