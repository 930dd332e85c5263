-- Decisions on a pairing that the named melting model has no score for; the view candidate leaves them out.
SELECT
    d.run_id,
    d.pairing_id,
    d.melting_model_id
FROM ildb.screening_decision AS d
WHERE NOT EXISTS (
    SELECT FROM ildb.melting_score AS m
    WHERE m.pairing_id = d.pairing_id AND m.model_id = d.melting_model_id
)
