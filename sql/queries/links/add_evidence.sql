-- A predicted pairing's evidence is the run that predicted it.
INSERT INTO ildb.pairing_evidence (pairing_id, kind, run_id)
SELECT pairing_id, 'predicted', run_id
FROM ildb.link_score
WHERE run_id = :run_id AND round = :round
ORDER BY pairing_id
ON CONFLICT DO NOTHING
