-- Structures of ions that have none. mol_from_smiles gives NULL for what it cannot read, which the column refuses.
INSERT INTO ildb.ion_structure (ion_id, mol, mfp2)
SELECT id, mol, public.morganbv_fp(mol, 2)
FROM (
    SELECT i.id, public.mol_from_smiles(i.smiles::cstring) AS mol
    FROM ildb.ion AS i
    LEFT JOIN ildb.ion_structure AS s ON i.id = s.ion_id
    WHERE s.ion_id IS NULL
) AS parsed
