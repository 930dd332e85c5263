-- The claims of some sources, by name.
SELECT e.id
FROM ildb.pairing_evidence AS e
INNER JOIN ildb.source AS s ON e.source_id = s.id
WHERE e.kind = 'known' AND s.name = any(cast(:names AS text []))
ORDER BY e.id
