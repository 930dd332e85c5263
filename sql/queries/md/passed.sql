-- The best candidates that passed in a run, in the order of the diverse pick, then by rank; ions not too large.
SELECT d.pairing_id
FROM ildb.screening_decision AS d
INNER JOIN ildb.pairing AS p ON d.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE d.run_id = :run_id AND d.passed AND c.heavy_atoms + a.heavy_atoms <= :heavy_atoms
ORDER BY d.pick_order NULLS LAST, d.rank, d.pairing_id
LIMIT :top
