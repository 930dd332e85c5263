-- Known pairings of singly charged ions (organic cations) on whose melting point several reports agree, spread evenly
-- over a range of temperatures: the range is cut into as many parts as are wanted, and of each comes the pairing with
-- the most reports, then the least spread, then the smallest ions. What one reference says counts once; where a
-- collection does not name the references it took values from, different values are different reports.
WITH agreed AS (
    SELECT
        m.pairing_id,
        m.median AS tm_k,
        m.n_values,
        m.spread,
        c.heavy_atoms + a.heavy_atoms AS heavy_atoms,
        least(
            floor((m.median - :tm_low_k) / (:tm_high_k - :tm_low_k) * :top), :top - 1
        ) AS part
    FROM ildb.consensus_measurement AS m
    INNER JOIN ildb.pairing AS p ON m.pairing_id = p.id
    INNER JOIN ildb.ion AS c ON p.cation_id = c.id
    INNER JOIN ildb.ion AS a ON p.anion_id = a.id
    WHERE
        m.property = 'melting_point'
        AND m.n_values >= :reports
        AND m.spread <= :spread_k
        AND m.median BETWEEN :tm_low_k AND :tm_high_k
        AND c.charge = 1
        AND a.charge = -1
        AND c.heavy_atoms >= 4
        AND c.heavy_atoms + a.heavy_atoms <= :heavy_atoms
),

ranked AS (
    SELECT
        pairing_id,
        tm_k,
        row_number() OVER (
            PARTITION BY part ORDER BY n_values DESC, spread ASC, heavy_atoms ASC, pairing_id ASC
        ) AS place
    FROM agreed
)

-- Where a part of the range has none, another gives its second.
SELECT pairing_id
FROM ranked
ORDER BY place, tm_k, pairing_id
LIMIT :top
