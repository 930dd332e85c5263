-- The ions most similar to a structure by Tanimoto on Morgan fingerprints (radius 2, 512 bits), best first.
-- The operator % uses the GiST index; its threshold is the session's rdkit.tanimoto_threshold.
WITH near AS (
    SELECT
        s.ion_id,
        i.smiles,
        i.charge,
        i.formula,
        tanimoto_sml(s.mfp2, morganbv_fp(mol_from_smiles(cast(:smiles AS cstring)), 2)) AS similarity
    FROM ildb.ion_structure AS s
    INNER JOIN ildb.ion AS i ON s.ion_id = i.id
    WHERE
        s.mfp2 % morganbv_fp(mol_from_smiles(cast(:smiles AS cstring)), 2)
        AND (sign(i.charge) = :sign OR :sign = 0)
    ORDER BY s.mfp2 OPERATOR(public.<%>) morganbv_fp(mol_from_smiles(cast(:smiles AS cstring)), 2), s.ion_id
    LIMIT :top
)

SELECT
    n.ion_id,
    n.smiles,
    n.charge,
    n.formula,
    n.similarity,
    array(
        SELECT DISTINCT y.value FROM ildb.ion_alias AS y
        WHERE y.ion_id = n.ion_id AND y.kind = 'name'
        ORDER BY y.value
    ) AS names,
    (
        SELECT count(*) FROM ildb.pairing AS p
        WHERE n.ion_id IN (p.cation_id, p.anion_id)
    ) AS n_pairings
FROM near AS n
ORDER BY n.similarity DESC, n.ion_id ASC
