-- How many rows of each snapshot came from which source, or from which run where a run predicted them.
-- Every snapshot is read once, however many scores rest on it.
SELECT
    r.snapshot_id,
    coalesce(e.source_id, m.source_id) AS source_id,
    coalesce(e.run_id, m.run_id) AS run_id,
    count(*) AS n_rows
FROM ildb.snapshot_row AS r
LEFT JOIN ildb.pairing_evidence AS e ON r.evidence_id = e.id
LEFT JOIN ildb.measurement AS m ON r.measurement_id = m.id
WHERE r.snapshot_id = any(cast(:ids AS bigint[]))
GROUP BY r.snapshot_id, coalesce(e.source_id, m.source_id), coalesce(e.run_id, m.run_id)
ORDER BY r.snapshot_id ASC, n_rows DESC, source_id ASC, run_id ASC
