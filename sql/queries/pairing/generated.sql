-- The draws that first made the ions of a pairing, or the pairing itself, one of each stage that drew it; with the
-- limits of the filters they kept to.
SELECT DISTINCT ON (g.stage_run_id, g.ion_id, g.pairing_id)
    g.stage_run_id,
    s.name AS stage,
    g.position,
    g.run_id,
    g.model_id,
    m.kind AS model_kind,
    g.raw,
    g.outcome,
    g.method,
    g.seed,
    g.temperature,
    g.round,
    g.sa_score,
    (s.params ->> 'max_sa_score')::real AS max_sa_score,
    g.similarity,
    (s.params ->> 'min_similarity')::real AS min_similarity,
    g.ion_id,
    i.smiles AS ion_smiles
FROM ildb.pairing AS p
INNER JOIN ildb.generated_molecule AS g ON g.ion_id IN (p.cation_id, p.anion_id) OR p.id = g.pairing_id
INNER JOIN ildb.stage_run AS s ON g.stage_run_id = s.id
INNER JOIN ildb.model AS m ON g.model_id = m.id
LEFT JOIN ildb.ion AS i ON g.ion_id = i.id
WHERE p.id = :pairing_id AND g.outcome = 'novel'
ORDER BY g.stage_run_id, g.ion_id, g.pairing_id, g.position
