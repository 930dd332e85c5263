-- Hash of the known pairings and their ions' flags, whatever their ids, with or without the names of their sources.
SELECT
    encode(
        sha256(
            coalesce(string_agg(k.key, ';' ORDER BY k.key), '')::bytea
        ),
        'hex'
    ) AS sha256
FROM (
    SELECT DISTINCT
        concat_ws(
            '|', c.inchikey, a.inchikey, c.flags::text, a.flags::text,
            CASE WHEN cast(:sources AS boolean) THEN s.name END
        ) AS key
    FROM ildb.pairing_evidence AS e
    INNER JOIN ildb.pairing AS p ON e.pairing_id = p.id
    INNER JOIN ildb.ion AS c ON p.cation_id = c.id
    INNER JOIN ildb.ion AS a ON p.anion_id = a.id
    INNER JOIN ildb.source AS s ON e.source_id = s.id
    WHERE e.kind = 'known'
) AS k
