-- Passed candidates of a run (the latest that decided, unless one is named), first those of the diverse pick in order of
-- picking, then the others by rank, with the scores the decision rests on. A run whose decision stage was reused shows those of the run that made it. The view ildb.candidate would
-- not do: it knows the latest decision on each pairing only.
WITH decided AS (
    SELECT coalesce(w.run_id, s.run_id) AS run_id
    FROM ildb.stage_run AS s
    LEFT JOIN ildb.stage_run AS w ON s.reused_from_id = w.id
    WHERE
        s.uses = 'screen.decide'
        AND s.status IN ('succeeded', 'reused')
        AND (s.run_id = cast(:run_id AS numeric) OR cast(:run_id AS numeric) IS NULL)
    ORDER BY s.run_id DESC
    LIMIT 1
)

SELECT
    d.pairing_id,
    d.run_id,
    d.passed,
    d.rank,
    d.score,
    p.cation_id,
    c.smiles AS cation_smiles,
    p.n_cation,
    p.anion_id,
    a.smiles AS anion_smiles,
    p.n_anion,
    l.probability AS link_probability,
    l.run_id AS link_run_id,
    l.round AS link_round,
    l.reasons AS link_reasons,
    m.model_id AS melting_model_id,
    m.p_below_373_k,
    m.tm_k,
    m.tm_low_k,
    m.tm_high_k,
    m.in_domain,
    m.domain_reasons,
    m.nearest,
    d.reasons,
    d.sa_score,
    d.pareto_rank,
    d.crowding,
    d.pick_order
FROM ildb.screening_decision AS d
INNER JOIN decided ON d.run_id = decided.run_id
INNER JOIN ildb.pairing AS p ON d.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
INNER JOIN ildb.melting_score AS m ON d.melting_model_id = m.model_id AND d.pairing_id = m.pairing_id
LEFT JOIN LATERAL (
    SELECT * FROM ildb.link_score AS s
    WHERE s.pairing_id = d.pairing_id AND s.run_id = d.link_run_id
    ORDER BY s.round DESC
    LIMIT 1
) AS l ON TRUE
WHERE d.passed
ORDER BY d.pick_order NULLS LAST, d.rank
LIMIT :top
