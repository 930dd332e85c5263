-- Results of tasks whose rows this transaction holds (see task/fence).
UPDATE ildb.task AS t
SET
    status = 'succeeded',
    result = cast(done.result AS jsonb),
    error = NULL,
    traceback = NULL,
    lease_expires_at = NULL,
    worker_id = done.worker_id,
    wall_s = done.wall_s,
    finished_at = clock_timestamp()
FROM
    unnest(
        cast(:ids AS bigint []), cast(:results AS text []), cast(:walls_s AS double precision []), cast(:workers AS bigint [])
    ) AS done (id, result, wall_s, worker_id)
WHERE t.id = done.id
