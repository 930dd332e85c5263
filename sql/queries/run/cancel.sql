-- The run and its open stages; no row when it had ended already.
WITH stopped AS (
    UPDATE ildb.run SET status = 'cancelled', finished_at = now()
    WHERE id = :run_id AND status IN ('running', 'failed')
    RETURNING id
),

closed AS (
    UPDATE ildb.stage_run AS s SET status = 'cancelled', finished_at = now()
    FROM stopped
    WHERE s.run_id = stopped.id AND s.status IN ('waiting', 'running', 'failed')
)

SELECT id FROM stopped
