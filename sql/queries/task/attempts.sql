-- Every attempt of the tasks of a run that did not go through at once, in order.
WITH troubled AS (
    SELECT DISTINCT
        t.id,
        t.position,
        s.name AS stage,
        s.position AS stage_position
    FROM ildb.task_attempt AS a
    INNER JOIN ildb.task AS t ON a.task_id = t.id
    INNER JOIN ildb.stage_run AS s ON t.stage_run_id = s.id
    WHERE s.run_id = :run_id
),

attempt AS (
    SELECT
        task_id,
        lease_token,
        outcome,
        host,
        pid,
        worker_id,
        started_at,
        ended_at,
        error,
        traceback
    FROM ildb.task_attempt
    UNION ALL
    SELECT
        id,
        lease_token,
        status,
        host,
        pid,
        worker_id,
        started_at,
        finished_at,
        NULL,
        NULL
    FROM ildb.task
    WHERE status IN ('running', 'succeeded')
)

SELECT
    troubled.stage,
    troubled.position AS task,
    a.outcome,
    a.host AS runner_host,
    a.pid AS runner_pid,
    w.host AS worker_host,
    w.pid AS worker_pid,
    w.device,
    w.versions,
    a.started_at,
    a.ended_at,
    a.error,
    a.traceback
FROM troubled
INNER JOIN attempt AS a ON troubled.id = a.task_id
LEFT JOIN ildb.worker AS w ON a.worker_id = w.id
ORDER BY troubled.stage_position, troubled.position, a.lease_token
LIMIT :limit
