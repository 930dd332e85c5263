-- The evidence of a pairing that a pair-level draw made is the run that drew it.
INSERT INTO ildb.pairing_evidence (pairing_id, kind, run_id)
SELECT DISTINCT
    pairing_id,
    'generated',
    :run_id
FROM ildb.generated_molecule
WHERE stage_run_id = :stage_run_id AND outcome = 'novel' AND pairing_id IS NOT NULL
ORDER BY pairing_id
ON CONFLICT DO NOTHING
