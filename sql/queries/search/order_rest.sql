-- The next candidates for the last part of the order, behind a pairing, whatever their ions: five 64-bit numbers each
-- (id, 0, cation, anion, whether it is neither known nor passed), as one string of bytes.
SELECT
    string_agg(
        int8send(p.id) || int8send(0) || int8send(p.cation_id) || int8send(p.anion_id)
        || int8send(
            (
                NOT EXISTS (
                    SELECT FROM ildb.pairing_evidence AS e WHERE e.pairing_id = p.id AND e.kind = 'known'
                )
                AND NOT EXISTS (
                    SELECT FROM ildb.screening_decision AS d
                    WHERE
                        d.pairing_id = p.id AND d.passed
                        AND NOT EXISTS (
                            SELECT FROM ildb.screening_decision AS x
                            WHERE x.pairing_id = d.pairing_id AND x.run_id > d.run_id
                        )
                )
            )::integer
        ),
        '' ORDER BY p.id
    ) AS rows
FROM (
    SELECT
        q.id,
        q.cation_id,
        q.anion_id
    FROM ildb.pairing AS q
    WHERE q.id > :after_id
    ORDER BY q.id
    LIMIT :n
) AS p
