SELECT
    q.id,
    s.name AS source,
    q.status,
    q.reasons,
    q.record ->> 'name' AS name,
    coalesce(
        q.record ->> 'salt_smiles', concat_ws('.', q.record ->> 'cation_smiles', q.record ->> 'anion_smiles')
    ) AS smiles
FROM ildb.quarantine AS q
INNER JOIN ildb.source AS s ON q.source_id = s.id
WHERE q.status = 'open' AND (cast(:reason AS text) IS NULL OR :reason = any(q.reasons))
ORDER BY q.id
LIMIT :limit
