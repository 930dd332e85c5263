-- What became of a stage meanwhile, without counting what is finished.
SELECT
    s.status,
    s.error,
    EXISTS(
        SELECT FROM ildb.task AS t
        WHERE t.stage_run_id = s.id AND t.status IN ('waiting', 'running')
    ) AS is_open,
    (SELECT count(*) FROM ildb.task AS t WHERE t.stage_run_id = s.id AND t.status = 'failed') AS n_failed
FROM ildb.stage_run AS s
WHERE s.id = :stage_run_id
