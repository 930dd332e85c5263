-- One row per pairing with exact values of a property under the conditions asked for (null: whatever they were): the
-- median, its range and the values behind it, what one reference says counted once. In key order.
-- Where :simulated, pairings without a measured value may bring their calibrated apparent melting point from simulation.
WITH fitting AS (
    SELECT
        m.id,
        m.pairing_id,
        m.value,
        coalesce(m.reference, s.name, 'run ' || m.run_id) AS origin
    FROM ildb.measurement AS m
    LEFT JOIN ildb.source AS s ON m.source_id = s.id
    WHERE
        m.property = :property
        AND m.qualifier = '='
        AND m.unit = :unit
        AND (
            CAST(:temperature_k AS double precision) IS NULL
            OR abs(m.temperature_k - :temperature_k) <= :temperature_window_k
        )
        AND (
            CAST(:pressure_kpa AS double precision) IS NULL
            OR m.pressure_kpa IS NULL
            OR abs(m.pressure_kpa - :pressure_kpa) <= :pressure_window_kpa
        )
    UNION ALL
    SELECT
        m.id,
        m.pairing_id,
        (m.raw ->> 'calibrated_tm_k')::double precision AS value,
        'md run ' || m.run_id AS origin
    FROM ildb.measurement AS m
    WHERE
        :simulated
        AND m.property = 'apparent_melting_point'
        AND m.raw ->> 'calibrated_tm_k' IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM ildb.measurement AS x
            WHERE x.pairing_id = m.pairing_id AND x.property = :property AND x.qualifier = '=' AND x.unit = :unit
        )
),

said AS (
    SELECT DISTINCT
        pairing_id,
        origin,
        value
    FROM fitting
),

consensus AS (
    SELECT
        pairing_id,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS tm_k,
        count(*) AS n_values,
        max(value) - min(value) AS spread_k,
        min(origin) AS source
    FROM said
    GROUP BY pairing_id
),

members AS (
    SELECT
        pairing_id,
        array_agg(id ORDER BY id) AS measurement_ids
    FROM fitting
    GROUP BY pairing_id
)

SELECT
    c.id AS cation_id,
    c.inchikey AS cation_inchikey,
    c.smiles AS cation_smiles,
    a.id AS anion_id,
    a.inchikey AS anion_inchikey,
    a.smiles AS anion_smiles,
    p.n_cation,
    p.n_anion,
    x.tm_k,
    x.n_values,
    x.spread_k,
    x.source,
    m.measurement_ids
FROM consensus AS x
INNER JOIN members AS m ON x.pairing_id = m.pairing_id
INNER JOIN ildb.pairing AS p ON x.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
ORDER BY c.inchikey, a.inchikey, p.n_cation, p.n_anion
