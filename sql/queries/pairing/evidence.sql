-- Every claim about a pairing: a source with its reference, or a run.
SELECT
    e.id,
    e.kind,
    e.name,
    coalesce(e.reference, s.citation) AS reference,
    e.source_key,
    e.source_id,
    s.name AS source,
    s.doi,
    s.url,
    s.licence,
    e.run_id,
    r.recipe_name AS recipe,
    e.created_at
FROM ildb.pairing_evidence AS e
LEFT JOIN ildb.source AS s ON e.source_id = s.id
LEFT JOIN ildb.run AS r ON e.run_id = r.id
WHERE e.pairing_id = :pairing_id
ORDER BY e.id
