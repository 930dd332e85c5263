INSERT INTO ildb.pairing (cation_id, anion_id, cation_charge, anion_charge, n_cation, n_anion)
SELECT DISTINCT cation_id, anion_id, cation_charge, anion_charge, n_cation, n_anion
FROM pg_temp.stage_record
ORDER BY cation_id, anion_id
ON CONFLICT (cation_id, anion_id) DO NOTHING
