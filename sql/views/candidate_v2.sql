-- One row per screened pairing: the latest decision on it, with the scores that decision rests on.
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
FROM (
    SELECT DISTINCT ON (pairing_id) *
    FROM ildb.screening_decision
    ORDER BY pairing_id ASC, run_id DESC
) AS d
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
