-- Decisions on a pairing that the named link run has no score for.
SELECT
    d.run_id,
    d.pairing_id,
    d.link_run_id
FROM ildb.screening_decision AS d
WHERE
    d.link_run_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM ildb.link_score AS l
        WHERE l.pairing_id = d.pairing_id AND l.run_id = d.link_run_id
    )
