-- One row for each draw of a task. What the stage has drawn before, in this task or another, is a duplicate.
WITH found AS (
    SELECT
        g.*,
        i.id AS ion_id,
        p.id AS pairing_id
    FROM pg_temp.stage_generated AS g
    LEFT JOIN ildb.ion AS i ON g.ion_key = i.inchikey
    LEFT JOIN ildb.ion AS c ON g.cation_inchikey = c.inchikey
    LEFT JOIN ildb.ion AS a ON g.anion_inchikey = a.inchikey
    LEFT JOIN ildb.pairing AS p ON c.id = p.cation_id AND a.id = p.anion_id
),

told AS (
    SELECT
        f.*,
        row_number() OVER (PARTITION BY f.ion_id, f.pairing_id ORDER BY f.position) > 1
        OR EXISTS (
            SELECT FROM ildb.generated_molecule AS m
            WHERE m.stage_run_id = :stage_run_id AND m.outcome = 'novel' AND m.ion_id = f.ion_id
        )
        OR EXISTS (
            SELECT FROM ildb.generated_molecule AS m
            WHERE m.stage_run_id = :stage_run_id AND m.outcome = 'novel' AND m.pairing_id = f.pairing_id
        ) AS again
    FROM found AS f
)

INSERT INTO ildb.generated_molecule (
    stage_run_id, position, run_id, model_id, raw, charge, outcome, reasons, ion_id, pairing_id, method, seed,
    temperature, round, sa_score, similarity
)
SELECT
    :stage_run_id,
    position,
    :run_id,
    :model_id,
    raw,
    charge,
    CASE WHEN outcome = 'novel' AND again THEN 'duplicate' ELSE outcome END,
    reasons,
    ion_id,
    pairing_id,
    method,
    seed,
    temperature,
    round,
    sa_score,
    similarity
FROM told
ORDER BY position
RETURNING outcome
