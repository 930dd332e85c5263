-- Newest first, with how far each got.
SELECT
    r.id,
    r.recipe_name AS recipe,
    r.status,
    (SELECT count(*) FROM ildb.stage_run AS s WHERE s.run_id = r.id AND s.status IN ('succeeded', 'reused'))
    || '/' || (SELECT count(*) FROM ildb.stage_run AS s WHERE s.run_id = r.id) AS stages,
    r.created_at,
    r.finished_at,
    r.error
FROM ildb.run AS r
ORDER BY r.id DESC
LIMIT :limit
