SELECT
    q.*,
    s.name AS source,
    s.sha256 AS source_sha256
FROM ildb.quarantine AS q
INNER JOIN ildb.source AS s ON q.source_id = s.id
WHERE q.id = :id
