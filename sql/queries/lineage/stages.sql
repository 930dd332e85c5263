-- The stages of runs; a reused one names the stage whose rows answer for it.
SELECT
    id,
    run_id,
    name,
    uses,
    version,
    status,
    seed,
    host,
    device,
    started_at,
    finished_at,
    reused_from_id
FROM ildb.stage_run
WHERE run_id = ANY(CAST(:ids AS bigint[]))
ORDER BY run_id, position
