-- Which of the given ions are cations.
SELECT
    id,
    charge > 0 AS is_cation
FROM ildb.ion
WHERE id = any(cast(:ion_ids AS bigint []))
ORDER BY id
