-- Apparent melting points from simulation beside measured ones, one row per ladder and fit: how far off, and whether the
-- 95 % interval holds the measured one. Before calibration they are where a liquid falls out of equilibrium, not melts.
SELECT
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
    k.tm_k AS measured_tm_k,
    k.tm_spread_k AS measured_spread_k,
    k.n_tm AS n_measured,
    x.tm_k - k.tm_k AS apparent_error_k,
    x.calibrated_tm_k - k.tm_k AS calibrated_error_k,
    k.tm_k BETWEEN x.tm_low_k AND x.tm_high_k AS is_in_apparent_interval,
    k.tm_k BETWEEN x.calibrated_low_k AND x.calibrated_high_k AS is_in_calibrated_interval,
    x.reason
FROM md_melting_point AS x
INNER JOIN md_simulation AS s ON x.simulation_id = s.id
INNER JOIN pairing AS p ON s.pairing_id = p.id
INNER JOIN ion AS c ON p.cation_id = c.id
INNER JOIN ion AS a ON p.anion_id = a.id
LEFT JOIN known_il AS k ON s.pairing_id = k.pairing_id
WHERE x.direction = 'all'
ORDER BY abs(x.tm_k - k.tm_k) DESC NULLS LAST, x.simulation_id ASC
