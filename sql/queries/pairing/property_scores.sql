-- What models of other properties say about a pairing, newest first.
SELECT
    s.run_id,
    s.model_id,
    s.property,
    s.value,
    s.low,
    s.high,
    s.p_below,
    s.in_domain,
    s.domain_reasons,
    s.nearest
FROM ildb.property_score AS s
WHERE s.pairing_id = :pairing_id
ORDER BY s.property, s.model_id DESC
