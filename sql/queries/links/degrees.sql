-- Degree distributions before and after an expansion (Ren et al., Fig. 3): how many ions have how many partners among the
-- known pairings, among the links that a run retained, and among both.
WITH listed AS (
    SELECT DISTINCT
        'known' AS pairings,
        pairing_id
    FROM ildb.pairing_evidence
    WHERE kind = 'known'
    UNION ALL
    SELECT DISTINCT
        'new' AS pairings,
        pairing_id
    FROM ildb.link_score
    WHERE run_id = :run_id
),

every AS (
    SELECT
        pairings,
        pairing_id
    FROM listed
    UNION
    SELECT
        'all' AS pairings,
        pairing_id
    FROM listed
),

per_ion AS (
    SELECT
        e.pairings,
        s.side,
        s.ion_id,
        count(*) AS degree
    FROM every AS e
    INNER JOIN ildb.pairing AS p ON e.pairing_id = p.id
    CROSS JOIN LATERAL (VALUES ('cation', p.cation_id), ('anion', p.anion_id)) AS s (side, ion_id)
    GROUP BY e.pairings, s.side, s.ion_id
)

SELECT
    side,
    pairings,
    degree,
    count(*) AS n_ions
FROM per_ion
GROUP BY side, pairings, degree
ORDER BY side, pairings, degree
