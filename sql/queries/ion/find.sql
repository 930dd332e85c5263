-- An ion by :ion_id or by :inchikey (one of them NULL).
SELECT
    i.id,
    i.smiles,
    i.inchikey,
    i.charge,
    i.formula,
    i.mass_g_mol,
    i.heavy_atoms,
    i.flags,
    i.rdkit_version,
    i.created_at
FROM ildb.ion AS i
WHERE i.id = CAST(:ion_id AS numeric) OR i.inchikey = CAST(:inchikey AS text)
