INSERT INTO ildb.pairing (cation_id, anion_id, cation_charge, anion_charge, n_cation, n_anion)
SELECT DISTINCT c.id, a.id, c.charge, a.charge, r.n_cation, r.n_anion
FROM pg_temp.stage_record AS r
INNER JOIN ildb.ion AS c ON r.cation_inchikey = c.inchikey
INNER JOIN ildb.ion AS a ON r.anion_inchikey = a.inchikey
ORDER BY c.id, a.id
ON CONFLICT (cation_id, anion_id) DO NOTHING
