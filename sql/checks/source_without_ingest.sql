-- Sources that facts cite though no reading of them was counted.
SELECT
    s.id,
    s.name
FROM ildb.source AS s
WHERE
    NOT EXISTS (
        SELECT FROM ildb.ingest AS i
        WHERE i.source_id = s.id
    )
    AND EXISTS (
        SELECT FROM ildb.pairing_evidence AS e
        WHERE e.source_id = s.id
    )
