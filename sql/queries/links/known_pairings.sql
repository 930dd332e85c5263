-- Pairings a source vouches for, each with its claims and the names of its sources: what links are learnt from. In key order.
SELECT
    c.inchikey AS cation_inchikey,
    c.smiles AS cation_smiles,
    c.charge AS cation_charge,
    a.inchikey AS anion_inchikey,
    a.smiles AS anion_smiles,
    a.charge AS anion_charge,
    array_agg(e.id ORDER BY e.id) AS evidence_ids,
    array_agg(DISTINCT s.name ORDER BY s.name) AS sources
FROM ildb.pairing_evidence AS e
INNER JOIN ildb.pairing AS p ON e.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
INNER JOIN ildb.source AS s ON e.source_id = s.id
WHERE e.kind = 'known' AND NOT (c.flags || a.flags) && cast(:leave_out AS text [])
GROUP BY c.id, a.id
ORDER BY c.inchikey, a.inchikey
