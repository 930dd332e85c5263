-- Pairings that a run is said to have predicted but has no link score for.
SELECT
    e.id,
    e.pairing_id,
    e.run_id
FROM ildb.pairing_evidence AS e
WHERE
    e.kind = 'predicted'
    AND NOT EXISTS (
        SELECT FROM ildb.link_score AS l
        WHERE l.pairing_id = e.pairing_id AND l.run_id = e.run_id
    )
