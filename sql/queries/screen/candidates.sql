-- Unmade pairings with their link and melting scores, for the decision.
SELECT DISTINCT ON (l.pairing_id)
    l.pairing_id,
    l.run_id AS link_run_id,
    p.cation_id,
    p.anion_id,
    l.probability AS link_probability,
    m.p_below_373_k,
    m.tm_k,
    m.tm_low_k,
    m.tm_high_k,
    m.in_domain,
    array_to_string(m.domain_reasons, '; ') AS domain_reasons,
    CASE WHEN jsonb_array_length(m.nearest) > 0 THEN format(
        '%s.%s melts at %s K (similarity %s)',
        m.nearest -> 0 ->> 'cation_smiles',
        m.nearest -> 0 ->> 'anion_smiles',
        round((m.nearest -> 0 ->> 'tm_k')::numeric),
        round((m.nearest -> 0 ->> 'similarity')::numeric, 2)
    ) ELSE '' END AS nearest,
    (m.nearest -> 0 ->> 'similarity')::double precision AS nearest_similarity
FROM ildb.link_score AS l
INNER JOIN ildb.melting_score AS m ON l.pairing_id = m.pairing_id AND m.model_id = :model_id
INNER JOIN ildb.pairing AS p ON l.pairing_id = p.id
WHERE l.run_id = any(cast(:link_run_ids AS bigint []))
ORDER BY l.pairing_id ASC, l.run_id DESC
