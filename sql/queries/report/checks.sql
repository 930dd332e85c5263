-- The checks of a screen in their order, with the limit each compares with, from one of its decisions.
SELECT
    r.reason ->> 'code' AS code,
    r.reason ->> 'limit' AS limit_value
FROM (
    SELECT reasons FROM ildb.screening_decision
    WHERE run_id = :run_id
    ORDER BY pairing_id
    LIMIT 1
) AS d
CROSS JOIN LATERAL jsonb_array_elements(d.reasons) WITH ORDINALITY AS r (reason, place)
ORDER BY r.place
