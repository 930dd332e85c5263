-- A run has succeeded when all its stages have, whatever a runner thought of it before.
UPDATE ildb.run AS r SET status = 'succeeded', error = NULL, finished_at = coalesce(finished_at, clock_timestamp())
WHERE
    r.id = :run_id
    AND r.status IN ('running', 'failed', 'succeeded')
    AND NOT EXISTS (
        SELECT FROM ildb.stage_run AS s
        WHERE s.run_id = r.id AND s.status NOT IN ('succeeded', 'reused')
    )
RETURNING r.id
