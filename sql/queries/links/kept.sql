-- What a run retained, in the order of pairings.
SELECT
    l.round,
    l.probability,
    c.inchikey AS cation_inchikey,
    a.inchikey AS anion_inchikey
FROM ildb.link_score AS l
INNER JOIN ildb.pairing AS p ON l.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE l.run_id = :run_id
ORDER BY c.inchikey, a.inchikey
