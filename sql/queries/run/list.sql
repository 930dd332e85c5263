-- Newest first, with how far each got; a run whose runner gave no sign of life for as long as a lease lasts is stale.
SELECT
    r.id,
    r.recipe_name AS recipe,
    CASE
        WHEN
            r.status = 'running'
            AND coalesce(r.heartbeat_at, r.created_at) < clock_timestamp() - make_interval(secs => :lease_s)
            THEN 'stale'
        ELSE r.status
    END AS status,
    (SELECT count(*) FROM ildb.stage_run AS s WHERE s.run_id = r.id AND s.status IN ('succeeded', 'reused'))
    || '/' || (SELECT count(*) FROM ildb.stage_run AS s WHERE s.run_id = r.id) AS stages,
    r.priority,
    r.created_at,
    r.finished_at,
    r.error
FROM ildb.run AS r
ORDER BY r.id DESC
LIMIT :limit
