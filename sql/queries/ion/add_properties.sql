-- Properties of ions from the temporary table stage_ion_property; those that another run has described meanwhile stay.
INSERT INTO ildb.ion_property (
    ion_id, version, run_id, volume_nm3, sasa_a2, skeleton_surface_a2, gas_entropy_j_mol_k, freedom,
    effective_torsions, kier_flexibility, problems, rdkit_version
)
SELECT
    ion_id,
    :version,
    :run_id,
    volume_nm3,
    sasa_a2,
    skeleton_surface_a2,
    gas_entropy_j_mol_k,
    freedom,
    effective_torsions,
    kier_flexibility,
    problems,
    :rdkit_version
FROM pg_temp.stage_ion_property
ON CONFLICT (ion_id, version) DO NOTHING
