-- Ladders of a pairing, newest first: how far each is, how far its force fields are to be trusted, and its newest fit
-- over all points.
SELECT
    s.id,
    s.run_id,
    s.preset,
    s.grade,
    s.refusal,
    s.n_units,
    s.n_atoms,
    s.charge_scale,
    c.smiles AS cation_smiles,
    p.n_cation,
    a.smiles AS anion_smiles,
    p.n_anion,
    fc.backend AS cation_backend,
    fc.grade AS cation_grade,
    fc.charge_method AS cation_charge_method,
    fa.backend AS anion_backend,
    fa.grade AS anion_grade,
    fa.charge_method AS anion_charge_method,
    n.n_points,
    n.n_unstable,
    n.n_subdiffusive,
    cardinality(s.temperatures_k) * cardinality(s.passes) * s.n_seeds AS n_points_planned,
    f.id AS fit_id,
    f.run_id AS fit_run_id,
    f.shape,
    f.tm_k,
    f.tm_low_k,
    f.tm_high_k,
    f.calibrated_tm_k,
    f.calibrated_low_k,
    f.calibrated_high_k,
    f.hysteresis_k,
    f.ea_hot_kj_mol,
    f.ea_cold_kj_mol,
    f.jump_ln_d,
    f.reason
FROM ildb.md_simulation AS s
INNER JOIN ildb.pairing AS p ON s.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
LEFT JOIN ildb.md_parameters AS fc ON s.cation_parameters_id = fc.id
LEFT JOIN ildb.md_parameters AS fa ON s.anion_parameters_id = fa.id
CROSS JOIN LATERAL (
    SELECT
        count(*) AS n_points,
        count(*) FILTER (WHERE x.status = 'unstable') AS n_unstable,
        count(*) FILTER (WHERE x.is_subdiffusive) AS n_subdiffusive
    FROM ildb.md_point AS x
    WHERE x.simulation_id = s.id
) AS n
LEFT JOIN LATERAL (
    SELECT * FROM ildb.md_melting_point AS x
    WHERE x.simulation_id = s.id AND x.direction = 'all'
    ORDER BY x.id DESC
    LIMIT 1
) AS f ON TRUE
WHERE s.pairing_id = :pairing_id
ORDER BY s.id DESC
