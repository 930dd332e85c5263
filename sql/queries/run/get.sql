-- A run is stale when no runner has given a sign of life for as long as a lease lasts.
SELECT
    *,
    status = 'running'
    AND coalesce(heartbeat_at, created_at) < clock_timestamp() - make_interval(secs => :lease_s) AS is_stale
FROM ildb.run
WHERE id = :run_id
