-- How many rows each split of a snapshot has.
SELECT
    split,
    count(*) AS n_rows
FROM ildb.snapshot_row
WHERE snapshot_id = :snapshot_id
GROUP BY split
ORDER BY split
