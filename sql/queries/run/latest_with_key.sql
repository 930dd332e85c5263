-- The newest run with a key that could answer for, or be continued as, a new one.
SELECT id, status
FROM ildb.run
WHERE run_key = :run_key AND status <> 'cancelled'
ORDER BY id DESC
LIMIT 1
