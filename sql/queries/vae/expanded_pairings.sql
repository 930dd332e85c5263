-- Pairings a run of link prediction retained whose formula is 1:1, as structures.
SELECT
    c.smiles AS cation,
    a.smiles AS anion
FROM ildb.link_score AS l
INNER JOIN ildb.pairing AS p ON l.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE l.run_id = :run_id AND c.charge + a.charge = 0
GROUP BY c.id, a.id
ORDER BY c.inchikey, a.inchikey
