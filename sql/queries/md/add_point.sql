INSERT INTO ildb.md_point (
    run_id, simulation_id, temperature_k, direction, seed, status, density_g_cm3, density_error_g_cm3, enthalpy_kj_mol,
    enthalpy_error_kj_mol, box_nm, d_cation_m2_s, d_cation_error_m2_s, d_cation_infinite_m2_s, cation_slope,
    d_anion_m2_s, d_anion_error_m2_s, d_anion_infinite_m2_s, anion_slope, is_subdiffusive, rdf_peak_nm, coordination,
    strong_hydrogen_bonds, weak_hydrogen_bonds, cation_gyration_nm, anion_gyration_nm, timestep_fs, n_resumed,
    n_unstable, simulated_ps, ns_per_day, platform, trajectory_artifact_id, thermo_artifact_id, state_artifact_id
)
VALUES (
    :run_id, :simulation_id, :temperature_k, :direction, :seed, :status, :density_g_cm3, :density_error_g_cm3,
    :enthalpy_kj_mol, :enthalpy_error_kj_mol, :box_nm, :d_cation_m2_s, :d_cation_error_m2_s, :d_cation_infinite_m2_s,
    :cation_slope, :d_anion_m2_s, :d_anion_error_m2_s, :d_anion_infinite_m2_s, :anion_slope, :is_subdiffusive,
    :rdf_peak_nm, :coordination, :strong_hydrogen_bonds, :weak_hydrogen_bonds, :cation_gyration_nm,
    :anion_gyration_nm, :timestep_fs, :n_resumed, :n_unstable, :simulated_ps, :ns_per_day, :platform,
    :trajectory_artifact_id, :thermo_artifact_id, :state_artifact_id
)
