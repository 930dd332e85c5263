-- The ions nearest to a structure, in the order of the GiST index on fingerprints.
SELECT s.ion_id
FROM ildb.ion_structure AS s
INNER JOIN ildb.ion AS i ON s.ion_id = i.id
WHERE sign(i.charge) = :sign OR :sign = 0
ORDER BY s.mfp2 OPERATOR(public.<%>) morganbv_fp(mol_from_smiles(cast(:smiles AS cstring)), 2)
LIMIT :top
