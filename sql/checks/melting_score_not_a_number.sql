-- Melting scores that are not finite or lie outside their own interval (NaN passes the table's constraint).
SELECT
    m.model_id,
    m.pairing_id,
    m.tm_low_k,
    m.tm_k,
    m.tm_high_k,
    m.p_below_373_k
FROM ildb.melting_score AS m
WHERE
    'NaN' IN (m.tm_low_k, m.tm_k, m.tm_high_k, m.p_below_373_k)
    OR 'Infinity' IN (m.tm_low_k, m.tm_k, m.tm_high_k)
    OR NOT m.tm_k BETWEEN m.tm_low_k AND m.tm_high_k
