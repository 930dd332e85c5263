-- A sample of pairings with a melting point, for a map: reported ones (measured, else predicted), those that
-- the given runs retained, and of these the generated ones. Which of them are drawn depends on the seed alone.
WITH listed AS (
    SELECT DISTINCT
        e.pairing_id,
        'known' AS kind
    FROM ildb.pairing_evidence AS e
    WHERE e.kind = 'known'
    UNION ALL
    SELECT
        l.pairing_id,
        CASE WHEN EXISTS (
            SELECT FROM ildb.pairing_evidence AS g
            WHERE g.pairing_id = l.pairing_id AND g.kind = 'generated'
        ) THEN 'generated' ELSE 'predicted' END AS kind
    FROM (
        SELECT DISTINCT pairing_id FROM ildb.link_score
        WHERE run_id = any(cast(:run_ids AS bigint []))
    ) AS l
    WHERE NOT EXISTS (
        SELECT FROM ildb.pairing_evidence AS k
        WHERE k.pairing_id = l.pairing_id AND k.kind = 'known'
    )
),

scored AS (
    SELECT
        l.pairing_id,
        l.kind,
        m.tm_k AS predicted_tm_k,
        row_number() OVER (PARTITION BY l.kind ORDER BY md5(l.pairing_id || ' ' || :seed), l.pairing_id) AS place,
        count(*) OVER (PARTITION BY l.kind) AS n_of_kind
    FROM listed AS l
    INNER JOIN ildb.melting_score AS m ON l.pairing_id = m.pairing_id AND m.model_id = :model_id
    WHERE m.tm_k IS NOT NULL
)

SELECT
    s.pairing_id,
    s.kind,
    s.n_of_kind,
    c.smiles AS cation_smiles,
    p.n_cation,
    a.smiles AS anion_smiles,
    p.n_anion,
    t.median AS measured_tm_k,
    s.predicted_tm_k
FROM scored AS s
INNER JOIN ildb.pairing AS p ON s.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
LEFT JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x.value) AS median
    FROM ildb.measurement AS x
    WHERE x.pairing_id = s.pairing_id AND x.property = 'melting_point' AND x.qualifier = '=' AND s.kind = 'known'
) AS t ON TRUE
WHERE s.place <= :per_kind
ORDER BY s.kind, s.place
