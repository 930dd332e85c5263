UPDATE ildb.run
SET
    status = :status,
    error = :error,
    finished_at = CASE WHEN :status = 'running' THEN NULL ELSE now() END
WHERE id = :run_id AND (status <> 'cancelled' OR :status = 'running')
