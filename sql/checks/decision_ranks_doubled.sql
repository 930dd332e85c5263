-- Ranks that a run gave to more than one pairing.
SELECT
    d.run_id,
    d.rank,
    count(*) AS n_pairings
FROM ildb.screening_decision AS d
WHERE d.passed
GROUP BY d.run_id, d.rank
HAVING count(*) > 1
