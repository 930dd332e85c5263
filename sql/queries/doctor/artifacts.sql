-- Files that runs made, those of models first, then the newest.
SELECT
    f.id,
    f.kind,
    f.sha256,
    f.n_bytes,
    EXISTS(
        SELECT FROM ildb.model AS m
        WHERE m.artifact_id = f.id
    ) AS is_model
FROM ildb.artifact AS f
ORDER BY is_model DESC, f.id DESC
LIMIT :n
