INSERT INTO ildb.md_melting_point (
    run_id, simulation_id, direction, shape, tm_k, tm_low_k, tm_high_k, calibration_model_id, calibrated_tm_k,
    calibrated_low_k, calibrated_high_k, hysteresis_k, gain, gain_needed, curve_gain, ea_hot_kj_mol, ea_cold_kj_mol,
    jump_ln_d, n_points, n_bounds, n_unstable, reason
)
VALUES (
    :run_id, :simulation_id, :direction, :shape, :tm_k, :tm_low_k, :tm_high_k, :calibration_model_id, :calibrated_tm_k,
    :calibrated_low_k, :calibrated_high_k, :hysteresis_k, :gain, :gain_needed, :curve_gain, :ea_hot_kj_mol,
    :ea_cold_kj_mol, :jump_ln_d, :n_points, :n_bounds, :n_unstable, :reason
)
