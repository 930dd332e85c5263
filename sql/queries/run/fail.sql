-- A stage of the run failed; not when the run was cancelled, or when the stage was closed by someone else.
UPDATE ildb.run AS r SET status = 'failed', error = :error, finished_at = clock_timestamp()
FROM ildb.stage_run AS s
WHERE s.id = :stage_run_id AND s.status IN ('waiting', 'running') AND r.id = s.run_id AND r.status = 'running'
