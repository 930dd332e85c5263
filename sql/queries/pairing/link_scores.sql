-- What link models say about a pairing, newest first.
SELECT
    l.run_id,
    l.round,
    l.model_id,
    l.probability,
    l.accepted,
    l.reasons
FROM ildb.link_score AS l
WHERE l.pairing_id = :pairing_id
ORDER BY l.run_id DESC, l.round DESC
