-- The force fields of ions by one method, each with its file, or why there is none.
SELECT
    p.id,
    p.ion_id,
    i.smiles,
    p.refusal,
    p.grade,
    a.sha256 AS artifact_sha256
FROM ildb.md_parameters AS p
INNER JOIN ildb.ion AS i ON p.ion_id = i.id
LEFT JOIN ildb.artifact AS a ON p.artifact_id = a.id
WHERE p.ion_id = ANY(CAST(:ids AS bigint [])) AND p.method_key = :method_key
