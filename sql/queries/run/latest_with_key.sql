-- The newest run with a key that could answer for, or be continued as, a new one; none of its stages was invalidated.
SELECT
    r.id,
    r.status
FROM ildb.run AS r
WHERE
    r.run_key = :run_key
    AND r.status <> 'cancelled'
    AND NOT EXISTS (
        SELECT FROM ildb.stage_run AS s
        LEFT JOIN ildb.stage_run AS o ON s.reused_from_id = o.id
        WHERE s.run_id = r.id AND (s.invalidated_at IS NOT NULL OR o.invalidated_at IS NOT NULL)
    )
ORDER BY r.id DESC
LIMIT 1
