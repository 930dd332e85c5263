-- The ions at least rdkit.tanimoto_threshold similar to a structure, through the GiST index.
SELECT s.ion_id
FROM ildb.ion_structure AS s
INNER JOIN ildb.ion AS i ON s.ion_id = i.id
WHERE
    s.mfp2 % morganbv_fp(mol_from_smiles(cast(:smiles AS cstring)), 2)
    AND (sign(i.charge) = :sign OR :sign = 0)
ORDER BY s.ion_id
