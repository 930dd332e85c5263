-- The next candidates for the first part of the order, from a rank and pairing on, whatever their ions: five 64-bit
-- numbers each (id, rank, cation, anion, whether no later run has decided otherwise), as one string of bytes.
SELECT
    string_agg(
        int8send(p.id) || int8send(d.rank) || int8send(p.cation_id) || int8send(p.anion_id)
        || int8send(
            (NOT EXISTS (
                SELECT FROM ildb.screening_decision AS x WHERE x.pairing_id = d.pairing_id AND x.run_id > d.run_id
            ))::integer
        ),
        '' ORDER BY d.rank, d.pairing_id
    ) AS rows
FROM (
    -- The limit inside: what is asked of each row must not change how the order is read.
    SELECT
        s.pairing_id,
        s.rank,
        s.run_id
    FROM ildb.screening_decision AS s
    WHERE s.passed AND (s.rank, s.pairing_id) > (:after_rank, :after_id)
    ORDER BY s.rank, s.pairing_id
    LIMIT :n
) AS d
INNER JOIN ildb.pairing AS p ON d.pairing_id = p.id
