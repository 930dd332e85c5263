-- What melting models say about a pairing, newest first.
SELECT
    m.run_id,
    m.model_id,
    m.p_below_373_k,
    m.tm_k,
    m.tm_low_k,
    m.tm_high_k,
    m.in_domain,
    m.domain_reasons,
    m.nearest
FROM ildb.melting_score AS m
WHERE m.pairing_id = :pairing_id
ORDER BY m.model_id DESC
