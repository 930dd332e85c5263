-- What was computed of an ion for volume-based thermodynamics, by the newest version of the calculation.
SELECT
    p.volume_nm3,
    p.sasa_a2,
    p.skeleton_surface_a2,
    p.gas_entropy_j_mol_k,
    p.effective_torsions,
    p.kier_flexibility,
    p.problems,
    p.version,
    p.run_id
FROM ildb.ion_property AS p
WHERE p.ion_id = :ion_id
ORDER BY p.version DESC
LIMIT 1
