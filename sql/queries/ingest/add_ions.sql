-- New ions of a batch, in key order.
INSERT INTO ildb.ion (inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, flags, rdkit_version)
SELECT DISTINCT ON (inchikey) inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, flags, rdkit_version
FROM pg_temp.stage_ion
ORDER BY inchikey
ON CONFLICT (inchikey) DO NOTHING
