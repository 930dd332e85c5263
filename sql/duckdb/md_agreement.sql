-- How apparent and calibrated melting points agree with measured ones (md_parity), by run, preset and grade: mean error
-- and mean absolute error in kelvin, and the share of measured values inside the 95 % intervals.
SELECT
    run_id,
    preset,
    grade,
    count(*) AS n_ladders,
    count(apparent_tm_k) AS n_melting,
    count(apparent_error_k) AS n_compared,
    avg(apparent_error_k) AS apparent_bias_k,
    avg(abs(apparent_error_k)) AS apparent_mae_k,
    avg(CAST(measured_tm_k BETWEEN apparent_low_k AND apparent_high_k AS integer)) AS share_in_apparent_interval,
    avg(calibrated_error_k) AS calibrated_bias_k,
    avg(abs(calibrated_error_k)) AS calibrated_mae_k,
    avg(CAST(measured_tm_k BETWEEN calibrated_low_k AND calibrated_high_k AS integer)) AS share_in_calibrated_interval
FROM md_parity
GROUP BY run_id, preset, grade
ORDER BY run_id ASC, preset ASC, grade ASC
