-- Hash of the exact values of a property with their conditions and references, whatever their ids; where :simulated,
-- with the calibrated apparent melting points that training_set.sql then takes, too.
SELECT
    encode(
        sha256(coalesce(string_agg(k.key, ';' ORDER BY k.key), '')::bytea), 'hex'
    ) AS sha256
FROM (
    SELECT
        concat_ws(
            '|',
            c.inchikey,
            a.inchikey,
            p.n_cation,
            p.n_anion,
            m.value::text,
            coalesce(m.temperature_k::text, ''),
            coalesce(m.pressure_kpa::text, ''),
            coalesce(m.reference, s.name, 'run ' || m.run_id)
        ) AS key
    FROM ildb.measurement AS m
    LEFT JOIN ildb.source AS s ON m.source_id = s.id
    INNER JOIN ildb.pairing AS p ON m.pairing_id = p.id
    INNER JOIN ildb.ion AS c ON p.cation_id = c.id
    INNER JOIN ildb.ion AS a ON p.anion_id = a.id
    WHERE m.property = :property AND m.qualifier = '=' AND m.unit = :unit
    UNION ALL
    SELECT concat_ws('|', 'md', m.pairing_id, m.raw ->> 'calibrated_tm_k')
    FROM ildb.measurement AS m
    WHERE :simulated AND m.property = 'apparent_melting_point' AND m.raw ->> 'calibrated_tm_k' IS NOT NULL
) AS k
