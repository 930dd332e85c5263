-- Earlier stages of the same kind with what their keys were made of, newest first.
SELECT
    id,
    run_id,
    name,
    status,
    stage_key,
    made_of,
    versions,
    invalidated_at
FROM ildb.stage_run
WHERE uses = :uses AND id < :stage_run_id AND made_of IS NOT NULL AND status IN ('succeeded', 'failed', 'running')
ORDER BY id DESC
LIMIT 100
