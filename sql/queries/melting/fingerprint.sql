-- Hash of the exact melting points, whatever their ids.
SELECT
    encode(
        sha256(coalesce(string_agg(k.key, ';' ORDER BY k.key), '')::bytea), 'hex'
    ) AS sha256
FROM (
    SELECT concat_ws('|', c.inchikey, a.inchikey, m.value::text) AS key
    FROM ildb.measurement AS m
    INNER JOIN ildb.pairing AS p ON m.pairing_id = p.id
    INNER JOIN ildb.ion AS c ON p.cation_id = c.id
    INNER JOIN ildb.ion AS a ON p.anion_id = a.id
    WHERE m.property = 'melting_point' AND m.qualifier = '=' AND m.unit = 'K'
) AS k
