-- Ions that a source vouches for, with how many known partners they have. In key order.
SELECT
    i.inchikey,
    i.smiles,
    i.charge,
    count(DISTINCT p.id) AS n_partners
FROM ildb.pairing_evidence AS e
INNER JOIN ildb.pairing AS p ON e.pairing_id = p.id
INNER JOIN ildb.ion AS i ON i.id IN (p.cation_id, p.anion_id)
WHERE e.kind = 'known'
GROUP BY i.id
ORDER BY i.inchikey
