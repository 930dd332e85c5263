-- Apparent and measured melting points of the simulations fitted in a run, with the measurements they rest on.
SELECT
    x.simulation_id,
    s.pairing_id,
    x.tm_k AS apparent_k,
    m.median AS measured_k,
    array(
        SELECT v.id FROM ildb.measurement AS v
        WHERE v.pairing_id = s.pairing_id AND v.property = 'melting_point' AND v.qualifier = '='
        ORDER BY v.id
    ) AS measurement_ids
FROM ildb.md_melting_point AS x
INNER JOIN ildb.md_simulation AS s ON x.simulation_id = s.id
INNER JOIN LATERAL (
    SELECT cm.median FROM ildb.consensus_measurement AS cm
    WHERE cm.pairing_id = s.pairing_id AND cm.property = 'melting_point'
    ORDER BY cm.n_values DESC, cm.pressure_kpa ASC NULLS FIRST
    LIMIT 1
) AS m ON TRUE
WHERE x.run_id = :run_id AND x.direction = 'all' AND x.tm_k IS NOT NULL
ORDER BY x.simulation_id
