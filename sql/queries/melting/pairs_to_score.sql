-- Pairings to score: every known one, and those that runs retained or generated, where the model has not scored them before.
-- By cation, so that a slice of them has few.
SELECT
    p.id AS pairing_id,
    c.inchikey AS cation_inchikey,
    c.smiles AS cation_smiles,
    a.inchikey AS anion_inchikey,
    a.smiles AS anion_smiles,
    p.n_cation,
    p.n_anion
FROM (
    SELECT pairing_id FROM ildb.link_score WHERE run_id = any(cast(:run_ids AS bigint []))
    UNION
    SELECT pairing_id FROM ildb.pairing_evidence WHERE kind = 'generated' AND run_id = any(cast(:run_ids AS bigint []))
    UNION
    SELECT pairing_id FROM ildb.pairing_evidence WHERE kind = 'known'
) AS wanted
INNER JOIN ildb.pairing AS p ON wanted.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE NOT EXISTS (
    SELECT FROM ildb.melting_score AS m WHERE m.model_id = :model_id AND m.pairing_id = wanted.pairing_id
)
ORDER BY p.cation_id, p.anion_id, p.id
