-- Scores of a stage; one that another run stored meanwhile stands (same model, same pairing, same score).
INSERT INTO ildb.property_score (
    model_id, pairing_id, run_id, property, p_below, value, low, high, in_domain, domain_reasons, nearest
)
SELECT
    :model_id,
    pairing_id,
    :run_id,
    :property,
    p_below,
    value,
    low,
    high,
    in_domain,
    domain_reasons,
    nearest::jsonb
FROM pg_temp.stage_property
ORDER BY pairing_id
ON CONFLICT (model_id, pairing_id) DO NOTHING
