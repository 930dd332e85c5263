-- Ladders of a pairing, or why it could not be simulated: the force fields they rest on, and the fits of all points.
SELECT
    s.id,
    s.run_id,
    s.stage_run_id,
    s.preset,
    s.grade,
    s.refusal,
    c.backend AS cation_backend,
    c.charge_method AS cation_charge_method,
    c.run_id AS cation_run_id,
    a.backend AS anion_backend,
    a.charge_method AS anion_charge_method,
    a.run_id AS anion_run_id,
    (SELECT count(*) FROM ildb.md_point AS p WHERE p.simulation_id = s.id AND p.status = 'done') AS n_points,
    (
        SELECT
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', f.id, 'run_id', f.run_id, 'shape', f.shape, 'tm_k', f.tm_k, 'tm_low_k', f.tm_low_k,
                        'tm_high_k', f.tm_high_k, 'calibrated_tm_k', f.calibrated_tm_k,
                        'calibration_model_id', f.calibration_model_id, 'reason', f.reason
                    )
                    ORDER BY f.id
                ),
                '[]'
            )
        FROM ildb.md_melting_point AS f
        WHERE f.simulation_id = s.id AND f.direction = 'all'
    ) AS fits
FROM ildb.md_simulation AS s
LEFT JOIN ildb.md_parameters AS c ON s.cation_parameters_id = c.id
LEFT JOIN ildb.md_parameters AS a ON s.anion_parameters_id = a.id
WHERE s.pairing_id = :pairing_id
ORDER BY s.id
