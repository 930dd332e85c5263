SELECT
    s.name AS source,
    reason,
    count(*) FILTER (WHERE q.status = 'open') AS open,
    count(*) FILTER (WHERE q.status = 'accepted') AS accepted,
    count(*) FILTER (WHERE q.status = 'rejected') AS rejected
FROM ildb.quarantine AS q
INNER JOIN ildb.source AS s ON q.source_id = s.id
CROSS JOIN unnest(q.reasons) AS reason
GROUP BY s.name, reason
ORDER BY s.name, count(*) DESC, reason
