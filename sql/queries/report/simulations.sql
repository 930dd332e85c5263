-- Simulated ladders with their fit over all points: those of the given runs first, then of pairings that a screen passed.
SELECT
    s.id,
    s.run_id,
    s.preset,
    s.grade,
    c.smiles AS cation_smiles,
    p.n_cation,
    a.smiles AS anion_smiles,
    p.n_anion,
    f.shape,
    f.tm_k,
    f.tm_low_k,
    f.tm_high_k,
    f.ea_hot_kj_mol,
    f.ea_cold_kj_mol,
    f.jump_ln_d,
    f.reason
FROM ildb.md_simulation AS s
INNER JOIN ildb.pairing AS p ON s.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
LEFT JOIN LATERAL (
    SELECT * FROM ildb.md_melting_point AS x
    WHERE x.simulation_id = s.id AND x.direction = 'all'
    ORDER BY x.id DESC
    LIMIT 1
) AS f ON TRUE
WHERE
    EXISTS (SELECT FROM ildb.md_point AS x WHERE x.simulation_id = s.id AND x.status = 'done')
    AND (
        s.run_id = any(cast(:run_ids AS bigint []))
        OR EXISTS (
            SELECT FROM ildb.screening_decision AS d
            WHERE d.run_id = any(cast(:run_ids AS bigint [])) AND d.pairing_id = s.pairing_id AND d.passed
        )
    )
ORDER BY s.run_id = any(cast(:run_ids AS bigint [])) DESC, s.id ASC
LIMIT :top
