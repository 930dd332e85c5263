-- Pairings that a source vouches for. In key order.
SELECT DISTINCT
    c.inchikey AS cation_inchikey,
    a.inchikey AS anion_inchikey
FROM ildb.pairing_evidence AS e
INNER JOIN ildb.pairing AS p ON e.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE e.kind = 'known'
ORDER BY c.inchikey, a.inchikey
