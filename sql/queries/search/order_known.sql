-- The next candidates for the second part of the order, behind a pairing, whatever their ions: five 64-bit numbers each
-- (id, 0, cation, anion, whether the latest decision on it is not "passed"), as one string of bytes.
SELECT
    string_agg(
        int8send(p.id) || int8send(0) || int8send(p.cation_id) || int8send(p.anion_id)
        || int8send(
            (NOT EXISTS (
                SELECT FROM ildb.screening_decision AS d
                WHERE
                    d.pairing_id = k.pairing_id AND d.passed
                    AND NOT EXISTS (
                        SELECT FROM ildb.screening_decision AS x
                        WHERE x.pairing_id = d.pairing_id AND x.run_id > d.run_id
                    )
            ))::integer
        ),
        '' ORDER BY k.pairing_id
    ) AS rows
FROM (
    SELECT DISTINCT e.pairing_id
    FROM ildb.pairing_evidence AS e
    WHERE e.kind = 'known' AND e.pairing_id > :after_id
    ORDER BY e.pairing_id
    LIMIT :n
) AS k
INNER JOIN ildb.pairing AS p ON k.pairing_id = p.id
