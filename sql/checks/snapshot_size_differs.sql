-- Snapshots that have more or fewer members than they had when they were hashed.
SELECT
    d.id,
    d.kind,
    d.n_rows,
    count(r.id) AS n_members
FROM ildb.dataset_snapshot AS d
LEFT JOIN ildb.snapshot_row AS r ON d.id = r.snapshot_id
GROUP BY d.id
HAVING count(r.id) <> d.n_rows
