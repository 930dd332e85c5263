-- What these stages computed answers for no later run; a reused stage stands for the one that did the work.
UPDATE ildb.stage_run AS o
SET invalidated_at = clock_timestamp()
FROM ildb.stage_run AS s
WHERE
    s.run_id = :run_id
    AND (cast(:name AS text) IS NULL OR s.name = :name)
    AND s.status IN ('succeeded', 'reused')
    AND o.id = coalesce(s.reused_from_id, s.id)
    AND o.invalidated_at IS NULL
RETURNING o.id, o.run_id, o.name, o.uses
