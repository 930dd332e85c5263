-- A pairing by :pairing_id, or by the InChIKeys of its ions.
SELECT
    p.id,
    p.n_cation,
    p.n_anion,
    p.cation_id,
    c.smiles AS cation_smiles,
    c.inchikey AS cation_inchikey,
    c.formula AS cation_formula,
    c.charge AS cation_charge,
    p.anion_id,
    a.smiles AS anion_smiles,
    a.inchikey AS anion_inchikey,
    a.formula AS anion_formula,
    a.charge AS anion_charge,
    p.n_cation * c.mass_g_mol + p.n_anion * a.mass_g_mol AS mass_g_mol
FROM ildb.pairing AS p
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE
    p.id = CAST(:pairing_id AS numeric)
    OR (c.inchikey = CAST(:cation_inchikey AS text) AND a.inchikey = CAST(:anion_inchikey AS text))
