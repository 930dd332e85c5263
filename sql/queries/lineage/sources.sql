-- Sources with the files they were read from.
SELECT
    id,
    name,
    sha256,
    citation,
    doi,
    url,
    licence,
    retrieved_at
FROM ildb.source
WHERE id = ANY(CAST(:ids AS bigint[]))
ORDER BY id
