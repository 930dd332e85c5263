-- The candidates of a run about which a simulation would tell most: the width of the predicted interval times the
-- probability of being picked (the decision's score). What has an apparent melting point already is left out.
SELECT d.pairing_id
FROM ildb.screening_decision AS d
INNER JOIN ildb.melting_score AS m ON d.melting_model_id = m.model_id AND d.pairing_id = m.pairing_id
INNER JOIN ildb.pairing AS p ON d.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE
    d.run_id = :run_id
    AND m.tm_high_k IS NOT NULL
    AND c.heavy_atoms + a.heavy_atoms <= :heavy_atoms
    AND NOT EXISTS (
        SELECT FROM ildb.md_melting_point AS x
        INNER JOIN ildb.md_simulation AS s ON x.simulation_id = s.id
        WHERE s.pairing_id = d.pairing_id AND x.tm_k IS NOT NULL
    )
ORDER BY (m.tm_high_k - m.tm_low_k) * d.score DESC, d.pairing_id
LIMIT :top
