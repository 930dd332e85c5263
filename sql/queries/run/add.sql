INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, code_version, git_commit, priority, heartbeat_at)
VALUES (
    :recipe_name, :recipe, :recipe_sha256, :run_key, :code_version, :git_commit, :priority, clock_timestamp()
)
RETURNING id
