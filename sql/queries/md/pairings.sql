-- Pairings by id with both ions.
SELECT
    p.id AS pairing_id,
    p.n_cation,
    p.n_anion,
    c.id AS cation_id,
    c.inchikey AS cation_inchikey,
    c.smiles AS cation_smiles,
    a.id AS anion_id,
    a.inchikey AS anion_inchikey,
    a.smiles AS anion_smiles
FROM ildb.pairing AS p
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE p.id = ANY(CAST(:ids AS bigint []))
