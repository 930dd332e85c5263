-- One row per pairing with exact melting points: the median, its spread and the values behind it. In key order.
SELECT
    c.inchikey AS cation_inchikey,
    c.smiles AS cation_smiles,
    a.inchikey AS anion_inchikey,
    a.smiles AS anion_smiles,
    p.n_cation,
    p.n_anion,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY m.value) AS tm_k,
    count(*) AS n_values,
    max(m.value) - min(m.value) AS spread_k,
    array_agg(m.id ORDER BY m.id) AS measurement_ids
FROM ildb.measurement AS m
INNER JOIN ildb.pairing AS p ON m.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE m.property = 'melting_point' AND m.qualifier = '=' AND m.unit = 'K'
GROUP BY p.id, c.id, a.id
ORDER BY c.inchikey, a.inchikey
