-- The run to report: the one named; else the latest that ended well and decided on pairings; else the latest that ended
-- well; else the latest.
SELECT
    r.id,
    r.recipe_name AS recipe,
    r.recipe ->> 'description' AS description,
    r.status,
    r.error,
    r.code_version,
    r.git_commit,
    r.created_at,
    r.finished_at,
    (
        SELECT count(*) FROM ildb.stage_run AS s
        WHERE s.run_id = r.id AND s.status IN ('succeeded', 'reused')
    ) AS n_done,
    (SELECT count(*) FROM ildb.stage_run AS s WHERE s.run_id = r.id) AS n_stages
FROM ildb.run AS r
WHERE r.id = cast(:run_id AS numeric) OR cast(:run_id AS numeric) IS NULL
ORDER BY
    r.status = 'succeeded' DESC,
    EXISTS (SELECT FROM ildb.stage_run AS s WHERE s.run_id = r.id AND s.uses = 'screen.decide') DESC,
    r.id DESC
LIMIT 1
