-- Apparent melting points beside measured ones: one row per ladder and fit, the measured consensus where there is one.
SELECT
    x.id AS md_melting_point_id,
    x.run_id,
    x.simulation_id,
    s.pairing_id,
    c.smiles AS cation_smiles,
    a.smiles AS anion_smiles,
    s.preset,
    s.grade,
    x.shape,
    x.tm_k AS apparent_tm_k,
    x.tm_low_k AS apparent_low_k,
    x.tm_high_k AS apparent_high_k,
    x.hysteresis_k,
    x.calibrated_tm_k,
    x.calibrated_low_k,
    x.calibrated_high_k,
    m.median AS measured_tm_k,
    m.spread AS measured_spread_k,
    m.n_references,
    x.tm_k - m.median AS apparent_error_k,
    x.calibrated_tm_k - m.median AS calibrated_error_k,
    x.reason
FROM ildb.md_melting_point AS x
INNER JOIN ildb.md_simulation AS s ON x.simulation_id = s.id
INNER JOIN ildb.pairing AS p ON s.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
LEFT JOIN LATERAL (
    -- Of melting points at several pressures, those at the one most often reported.
    SELECT * FROM ildb.consensus_measurement AS cm
    WHERE cm.pairing_id = s.pairing_id AND cm.property = 'melting_point'
    ORDER BY cm.n_values DESC, cm.pressure_kpa ASC NULLS FIRST
    LIMIT 1
) AS m ON TRUE
WHERE x.direction = 'all'
