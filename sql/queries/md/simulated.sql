-- Pairings that have an apparent melting point.
SELECT DISTINCT s.pairing_id
FROM ildb.md_melting_point AS x
INNER JOIN ildb.md_simulation AS s ON x.simulation_id = s.id
WHERE x.tm_k IS NOT NULL
ORDER BY s.pairing_id
