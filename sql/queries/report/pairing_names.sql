-- A name of each of the given pairings, by the SMILES of their ions as stored; the shortest that a source gives.
SELECT DISTINCT ON (c.smiles, a.smiles)
    c.smiles AS cation_smiles,
    a.smiles AS anion_smiles,
    e.name
FROM unnest(cast(:cations AS text []), cast(:anions AS text [])) AS asked (cation, anion)
INNER JOIN ildb.ion AS c ON md5(asked.cation) = md5(c.smiles) AND asked.cation = c.smiles
INNER JOIN ildb.ion AS a ON md5(asked.anion) = md5(a.smiles) AND asked.anion = a.smiles
INNER JOIN ildb.pairing AS p ON c.id = p.cation_id AND a.id = p.anion_id
INNER JOIN ildb.pairing_evidence AS e ON p.id = e.pairing_id AND e.kind = 'known'
WHERE e.name IS NOT NULL
ORDER BY c.smiles ASC, a.smiles ASC, length(e.name) ASC, e.name ASC
