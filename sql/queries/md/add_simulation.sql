INSERT INTO ildb.md_simulation (
    run_id, stage_run_id, pairing_id, preset, refusal, grade, cation_parameters_id, anion_parameters_id, n_units,
    n_atoms, charge_scale, cutoff_nm, pressure_bar, timestep_fs, temperatures_k, passes, n_seeds, melt_ps,
    equilibrate_ps, produce_ps, system_sha256, system_artifact_id
)
VALUES (
    :run_id, :stage_run_id, :pairing_id, :preset, :refusal, :grade, :cation_parameters_id, :anion_parameters_id,
    :n_units, :n_atoms, :charge_scale, :cutoff_nm, :pressure_bar, :timestep_fs, :temperatures_k, :passes, :n_seeds,
    :melt_ps, :equilibrate_ps, :produce_ps, :system_sha256, :system_artifact_id
)
RETURNING id
