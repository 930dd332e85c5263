-- Points that are being simulated now.
SELECT
    (t.payload ->> 'simulation_id')::bigint AS simulation_id,
    t.payload,
    t.host
FROM ildb.task AS t
INNER JOIN ildb.stage_run AS r ON t.stage_run_id = r.id
WHERE r.uses = 'md.ladder' AND t.status = 'running' AND t.payload ->> 'do' = 'point'
