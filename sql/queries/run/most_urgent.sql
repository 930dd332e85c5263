-- The open run to help with: the most urgent, then the oldest; none of those named.
SELECT id FROM ildb.run
WHERE status = 'running' AND id <> ALL(cast(:but AS bigint []))
ORDER BY priority DESC, id
LIMIT 1
