SELECT q.*, s.name AS source
FROM ildb.quarantine AS q
INNER JOIN ildb.source AS s ON q.source_id = s.id
WHERE q.id = :id
