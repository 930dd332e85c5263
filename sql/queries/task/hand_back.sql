-- Tasks given up on purpose (Ctrl-C, a cancelled run): they wait again, and the attempt does not count.
UPDATE ildb.task AS t
SET status = 'waiting', attempts = greatest(t.attempts - 1, 0), lease_expires_at = NULL
FROM unnest(cast(:ids AS bigint []), cast(:tokens AS bigint [])) AS held (id, lease_token)
WHERE t.id = held.id AND t.lease_token = held.lease_token AND t.status = 'running'
