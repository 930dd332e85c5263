-- Refused records behind :after, oldest first.
SELECT
    q.id,
    s.name AS source,
    q.status,
    q.reasons,
    q.record ->> 'name' AS name,
    coalesce(
        q.record ->> 'salt_smiles',
        nullif(concat_ws('.', q.record ->> 'cation_smiles', q.record ->> 'anion_smiles'), '')
    ) AS smiles
FROM ildb.quarantine AS q
INNER JOIN ildb.source AS s ON q.source_id = s.id
WHERE
    q.id > :after
    AND (:status = 'all' OR q.status = :status)
    AND (cast(:reason AS text) IS NULL OR :reason = any(q.reasons))
    AND (cast(:source AS text) IS NULL OR s.name = :source)
ORDER BY q.id
LIMIT :limit
