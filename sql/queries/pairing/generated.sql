-- The draws that first made the ions of a pairing, or the pairing itself, one of each stage that drew it.
SELECT DISTINCT ON (g.stage_run_id, g.ion_id, g.pairing_id)
    g.stage_run_id,
    g.position,
    g.run_id,
    g.model_id,
    g.raw,
    g.method,
    g.seed,
    g.temperature,
    g.round,
    g.sa_score,
    g.similarity,
    g.ion_id,
    i.smiles AS ion_smiles
FROM ildb.pairing AS p
INNER JOIN ildb.generated_molecule AS g ON g.ion_id IN (p.cation_id, p.anion_id) OR p.id = g.pairing_id
LEFT JOIN ildb.ion AS i ON g.ion_id = i.id
WHERE p.id = :pairing_id AND g.outcome = 'novel'
ORDER BY g.stage_run_id, g.ion_id, g.pairing_id, g.position
