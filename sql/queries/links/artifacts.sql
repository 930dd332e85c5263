-- What the tasks of a stage have left so far, those of the transaction itself included.
SELECT
    kind,
    sha256
FROM ildb.artifact
WHERE stage_run_id = :stage_run_id
ORDER BY id
