-- Simulated beside measured densities: every finished point at a temperature (within 1 K) at which the liquid was
-- measured at atmospheric pressure. Of several states the nearest counts, then the one with the most values.
SELECT
    s.id AS simulation_id,
    p.run_id,
    s.pairing_id,
    c.smiles AS cation_smiles,
    a.smiles AS anion_smiles,
    s.preset,
    s.grade,
    p.temperature_k,
    p.direction,
    p.seed,
    p.density_g_cm3,
    p.density_error_g_cm3,
    m.median / 1000 AS measured_g_cm3,
    m.n_values,
    100 * (p.density_g_cm3 * 1000 / m.median - 1) AS deviation_pct
FROM ildb.md_point AS p
INNER JOIN ildb.md_simulation AS s ON p.simulation_id = s.id
INNER JOIN ildb.pairing AS x ON s.pairing_id = x.id
INNER JOIN ildb.ion AS c ON x.cation_id = c.id
INNER JOIN ildb.ion AS a ON x.anion_id = a.id
INNER JOIN LATERAL (
    SELECT
        cm.median,
        cm.n_values
    FROM ildb.consensus_measurement AS cm
    WHERE
        cm.pairing_id = s.pairing_id
        AND cm.property = 'density'
        AND cm.unit = 'kg/m3'
        AND abs(cm.temperature_k - p.temperature_k) <= 1
        AND coalesce(cm.pressure_kpa, 101.325) BETWEEN 90 AND 110
    ORDER BY abs(cm.temperature_k - p.temperature_k), cm.n_values DESC, cm.pressure_kpa ASC NULLS FIRST
    LIMIT 1
) AS m ON TRUE
WHERE p.status = 'done' AND (CAST(:run_id AS numeric) IS NULL OR p.run_id = CAST(:run_id AS numeric))
ORDER BY s.id, p.id
