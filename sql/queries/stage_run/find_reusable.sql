-- Finished stages with this key, newest first; their rows answer for any other with the same key.
SELECT
    id,
    run_id,
    result,
    invalidated_at IS NOT NULL AS is_invalidated
FROM ildb.stage_run
WHERE stage_key = :stage_key AND status = 'succeeded' AND id <> :stage_run_id
ORDER BY id DESC
