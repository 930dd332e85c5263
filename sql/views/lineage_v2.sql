-- Where a pairing's rows come from: one row per pairing, kind of row, run, model and source.
-- A known pairing leads to its source at once; a score leads through its model and snapshot to the sources
-- of the rows that trained it.
WITH trained_on AS (
    SELECT
        r.snapshot_id,
        coalesce(e.source_id, m.source_id) AS source_id,
        count(*) AS n_rows
    FROM ildb.snapshot_row AS r
    LEFT JOIN ildb.pairing_evidence AS e ON r.evidence_id = e.id
    LEFT JOIN ildb.measurement AS m ON r.measurement_id = m.id
    GROUP BY 1, 2
)

SELECT
    e.pairing_id,
    'evidence' AS kind,
    e.kind AS detail,
    e.run_id,
    NULL::bigint AS model_id,
    NULL::bigint AS snapshot_id,
    e.source_id,
    1::bigint AS n_source_rows
FROM ildb.pairing_evidence AS e

UNION ALL

SELECT
    x.pairing_id,
    'measurement' AS kind,
    x.property AS detail,
    x.run_id,
    NULL::bigint AS model_id,
    NULL::bigint AS snapshot_id,
    x.source_id,
    1::bigint AS n_source_rows
FROM ildb.measurement AS x

UNION ALL

SELECT
    s.pairing_id,
    'link_score' AS kind,
    'round ' || s.round AS detail,
    s.run_id,
    s.model_id,
    m.snapshot_id,
    t.source_id,
    t.n_rows AS n_source_rows
FROM ildb.link_score AS s
INNER JOIN ildb.model AS m ON s.model_id = m.id
LEFT JOIN trained_on AS t ON m.snapshot_id = t.snapshot_id

UNION ALL

SELECT
    s.pairing_id,
    'melting_score' AS kind,
    m.kind AS detail,
    s.run_id,
    s.model_id,
    m.snapshot_id,
    t.source_id,
    t.n_rows AS n_source_rows
FROM ildb.melting_score AS s
INNER JOIN ildb.model AS m ON s.model_id = m.id
LEFT JOIN trained_on AS t ON m.snapshot_id = t.snapshot_id

UNION ALL

SELECT
    d.pairing_id,
    'screening_decision' AS kind,
    CASE WHEN d.passed THEN 'passed' ELSE 'refused' END AS detail,
    d.run_id,
    d.melting_model_id AS model_id,
    m.snapshot_id,
    NULL::bigint AS source_id,
    NULL::bigint AS n_source_rows
FROM ildb.screening_decision AS d
INNER JOIN ildb.model AS m ON d.melting_model_id = m.id

UNION ALL

SELECT
    d.pairing_id,
    'md_simulation' AS kind,
    coalesce('refused: ' || d.refusal, 'preset ' || d.preset || ', grade ' || d.grade) AS detail,
    d.run_id,
    NULL::bigint AS model_id,
    NULL::bigint AS snapshot_id,
    NULL::bigint AS source_id,
    NULL::bigint AS n_source_rows
FROM ildb.md_simulation AS d

UNION ALL

SELECT
    d.pairing_id,
    'md_melting_point' AS kind,
    x.direction || ': ' || x.shape AS detail,
    x.run_id,
    x.calibration_model_id AS model_id,
    m.snapshot_id,
    t.source_id,
    t.n_rows AS n_source_rows
FROM ildb.md_melting_point AS x
INNER JOIN ildb.md_simulation AS d ON x.simulation_id = d.id
LEFT JOIN ildb.model AS m ON x.calibration_model_id = m.id
LEFT JOIN trained_on AS t ON m.snapshot_id = t.snapshot_id
