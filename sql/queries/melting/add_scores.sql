-- Scores of a stage; one that another run stored meanwhile stands (same model, same pairing, same score).
INSERT INTO ildb.melting_score (
    model_id, pairing_id, run_id, p_below_373_k, tm_k, tm_low_k, tm_high_k, in_domain, domain_reasons, nearest
)
SELECT
    :model_id,
    pairing_id,
    :run_id,
    p_below,
    value,
    low,
    high,
    in_domain,
    domain_reasons,
    nearest::jsonb
FROM pg_temp.stage_melting
ORDER BY pairing_id
ON CONFLICT (model_id, pairing_id) DO NOTHING
