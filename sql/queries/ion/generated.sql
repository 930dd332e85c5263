-- The draws that made an ion, newest first, with how they were made.
SELECT
    g.run_id,
    s.name AS stage,
    g.model_id,
    m.kind AS model_kind,
    g.method,
    g.position,
    g.seed,
    g.temperature,
    g.outcome,
    g.raw,
    g.sa_score,
    (s.params ->> 'max_sa_score')::real AS max_sa_score,
    g.similarity,
    (s.params ->> 'min_similarity')::real AS min_similarity
FROM ildb.generated_molecule AS g
INNER JOIN ildb.stage_run AS s ON g.stage_run_id = s.id
INNER JOIN ildb.model AS m ON g.model_id = m.id
WHERE g.ion_id = :ion_id AND g.outcome <> 'duplicate'
ORDER BY g.run_id DESC, g.stage_run_id DESC, g.position
LIMIT :top
