-- Units of work whose worker has been silent for an hour after its lease ended. Mend: ildb pipeline resume RUN
SELECT
    t.id,
    g.run_id,
    g.name AS stage,
    t.host,
    t.lease_expires_at
FROM ildb.task AS t
INNER JOIN ildb.stage_run AS g ON t.stage_run_id = g.id
INNER JOIN ildb.run AS r ON g.run_id = r.id
WHERE t.status = 'running' AND r.status = 'running' AND t.lease_expires_at < now() - interval '1 hour'
