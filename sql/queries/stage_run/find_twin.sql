-- The same stage at work in another run.
SELECT
    id,
    run_id,
    name
FROM ildb.stage_run
WHERE stage_key = :stage_key AND status = 'running' AND run_id <> :run_id
ORDER BY id
LIMIT 1
