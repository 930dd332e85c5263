-- The evidence of a pairing with a generated ion is the run that paired it.
INSERT INTO ildb.pairing_evidence (pairing_id, kind, run_id)
SELECT
    p.id,
    'generated',
    :run_id
FROM pg_temp.stage_link AS l
INNER JOIN ildb.ion AS c ON l.cation_inchikey = c.inchikey
INNER JOIN ildb.ion AS a ON l.anion_inchikey = a.inchikey
INNER JOIN ildb.pairing AS p ON c.id = p.cation_id AND a.id = p.anion_id
ORDER BY p.id
ON CONFLICT DO NOTHING
