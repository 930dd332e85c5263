-- A stage's file of a kind; of several the last.
SELECT sha256
FROM ildb.artifact
WHERE stage_run_id = :stage_run_id AND kind = :kind
ORDER BY id DESC
LIMIT 1
