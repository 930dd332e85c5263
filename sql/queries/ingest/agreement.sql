-- How many melting points of one source agree with those of others: each exact value is compared with the nearest exact
-- value that a source named like `other` gives for the same pairing.
WITH compared AS (
    SELECT
        m.id,
        min(abs(m.value - o.value)) AS difference_k
    FROM ildb.measurement AS m
    INNER JOIN ildb.measurement AS o ON m.pairing_id = o.pairing_id AND m.property = o.property
    INNER JOIN ildb.source AS s ON o.source_id = s.id
    WHERE
        m.source_id = :source_id
        AND o.source_id <> m.source_id
        AND s.name LIKE :other
        AND m.property = 'melting_point'
        AND m.qualifier = '='
        AND o.qualifier = '='
        AND m.unit = o.unit
    GROUP BY m.id
)

SELECT
    count(*) AS compared,
    count(*) FILTER (WHERE difference_k <= 1) AS within_1_k,
    count(*) FILTER (WHERE difference_k <= 15) AS within_15_k,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY difference_k) AS median_difference_k
FROM compared
