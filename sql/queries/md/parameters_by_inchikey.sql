-- The force field of an ion by one method, or why there is none.
SELECT
    p.id,
    i.smiles,
    p.refusal,
    a.sha256 AS artifact_sha256
FROM ildb.md_parameters AS p
INNER JOIN ildb.ion AS i ON p.ion_id = i.id
LEFT JOIN ildb.artifact AS a ON p.artifact_id = a.id
WHERE i.inchikey = :inchikey AND p.method_key = :method_key
