-- Apparent, calibrated and measured melting points of every ladder, or of those fitted in one run.
SELECT *
FROM ildb.md_parity
WHERE CAST(:run_id AS numeric) IS NULL OR run_id = CAST(:run_id AS numeric)
ORDER BY measured_tm_k ASC NULLS LAST, md_melting_point_id ASC
