-- Some ions as the cartridge sees them, spread over all ids.
SELECT
    i.id,
    i.smiles,
    mol_to_smiles(s.mol)::text AS cartridge_smiles,
    bfp_to_binary_text(s.mfp2) AS mfp2
FROM ildb.ion AS i
INNER JOIN ildb.ion_structure AS s ON i.id = s.ion_id
ORDER BY md5(i.id::text)
LIMIT :n
