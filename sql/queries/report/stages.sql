-- The stages of a run; for a reused one, the stage that computed its rows, in the run that did.
SELECT
    o.id,
    o.run_id,
    s.name,
    o.uses,
    o.version,
    o.seed,
    w.git_commit,
    w.code_version
FROM ildb.stage_run AS s
INNER JOIN ildb.stage_run AS o ON coalesce(s.reused_from_id, s.id) = o.id
INNER JOIN ildb.run AS w ON o.run_id = w.id
WHERE s.run_id = :run_id
ORDER BY s.position
