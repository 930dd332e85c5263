-- The calibration of a model, for md.fit.
SELECT
    id,
    metrics
FROM ildb.model
WHERE id = :model_id AND kind = 'md_calibration'
