-- New ions that some stages drew, of each sign the easiest to make first: by synthetic accessibility, then by likeness to
-- a known ion.
WITH drawn AS (
    SELECT
        ion_id,
        min(sa_score) AS sa_score,
        max(similarity) AS similarity
    FROM ildb.generated_molecule
    WHERE stage_run_id = any(cast(:stage_run_ids AS bigint [])) AND outcome = 'novel' AND ion_id IS NOT NULL
    GROUP BY ion_id
),

ranked AS (
    SELECT
        i.inchikey,
        i.smiles,
        i.charge,
        row_number() OVER (
            PARTITION BY i.charge > 0
            ORDER BY d.sa_score ASC NULLS LAST, d.similarity DESC NULLS LAST, i.inchikey ASC
        ) AS place
    FROM drawn AS d
    INNER JOIN ildb.ion AS i ON d.ion_id = i.id
    WHERE NOT i.flags && cast(:leave_out AS text [])
)

SELECT
    inchikey,
    smiles,
    charge
FROM ranked
WHERE place <= CASE WHEN charge > 0 THEN cast(:max_cations AS bigint) ELSE cast(:max_anions AS bigint) END
ORDER BY inchikey
