-- Link scores of pairings with generated ions; an expansion over all ions in the same run may have scored some before.
INSERT INTO ildb.link_score (run_id, round, pairing_id, model_id, probability, accepted, reasons)
SELECT
    :run_id,
    1,
    p.id,
    :model_id,
    l.probability,
    l.probability >= :accept_from,
    string_to_array(l.reasons, :reason_break)
FROM pg_temp.stage_link AS l
INNER JOIN ildb.ion AS c ON l.cation_inchikey = c.inchikey
INNER JOIN ildb.ion AS a ON l.anion_inchikey = a.inchikey
INNER JOIN ildb.pairing AS p ON c.id = p.cation_id AND a.id = p.anion_id
ORDER BY p.id
ON CONFLICT DO NOTHING
