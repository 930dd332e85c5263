INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, code_version, git_commit)
VALUES (:recipe_name, :recipe, :recipe_sha256, :run_key, :code_version, :git_commit)
RETURNING id
