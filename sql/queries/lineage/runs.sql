-- Runs with the recipe and code they executed.
SELECT
    id,
    recipe_name AS recipe,
    recipe_sha256,
    status,
    code_version,
    git_commit,
    created_at,
    finished_at
FROM ildb.run
WHERE id = ANY(CAST(:ids AS bigint[]))
ORDER BY id
