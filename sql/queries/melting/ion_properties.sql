-- Thermodynamic properties of ions, for the published classifier; of a version of their calculation.
SELECT
    i.id,
    i.charge,
    x.volume_nm3,
    x.skeleton_surface_a2,
    x.gas_entropy_j_mol_k,
    x.freedom,
    x.effective_torsions
FROM ildb.ion_property AS x
INNER JOIN ildb.ion AS i ON x.ion_id = i.id
WHERE x.version = :version AND x.ion_id = ANY(CAST(:ion_ids AS bigint []))
