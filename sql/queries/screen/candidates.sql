-- Unmade pairings with their link and melting scores, for the decision.
SELECT
    p.id AS pairing_id,
    c.inchikey AS cation_inchikey,
    a.inchikey AS anion_inchikey,
    c.smiles AS cation_smiles,
    a.smiles AS anion_smiles,
    FALSE AS known,
    l.probability AS link_probability,
    m.p_below_373_k,
    m.tm_k,
    m.tm_low_k,
    m.tm_high_k,
    m.in_domain,
    m.domain_reasons,
    array(
        SELECT format(
            '%s.%s melts at %s K (similarity %s)',
            n ->> 'cation_smiles',
            n ->> 'anion_smiles',
            round((n ->> 'tm_k')::numeric),
            round((n ->> 'similarity')::numeric, 2)
        )
        FROM jsonb_array_elements(m.nearest) AS n
    ) AS nearest
FROM ildb.link_score AS l
INNER JOIN ildb.melting_score AS m ON l.pairing_id = m.pairing_id AND m.model_id = :model_id
INNER JOIN ildb.pairing AS p ON l.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE l.run_id = :link_run_id
ORDER BY p.id
